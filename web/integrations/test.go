package integrations

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/web/ui"
	"punctual/web/ui/human"
)

// Test: POST /integrations/{channel}/test/. It shows what the other side
// really answered, on the page named by the field next, else on the list of integrations.
func (s *Pages) Test(w http.ResponseWriter, r *http.Request) error {
	c, project, err := s.WritableChannel(r)
	if err != nil {
		return err
	}
	kind, text := s.sendTest(r, c)
	ui.VisitorOf(r).Flash(kind, text)
	return s.Redirect(w, r, cmp.Or(ui.SafeNext(ui.PostedField(r, "next")), listPath(project.ID)))
}

func (s *Pages) sendTest(r *http.Request, c *monitor.Channel) (kind, text string) {
	title := s.viewChannel(c).Title
	result, err := s.Tester.SendTest(ui.WithoutTimeout(r).Context(), c)
	if err == nil {
		took := ""
		after, err := s.Store.ChannelByID(r.Context(), c.ID)
		if err == nil && after.LastLatency > 0 {
			took = " in " + human.Duration(after.LastLatency.Round(time.Millisecond))
		}
		return "ok", "The test to " + title + " was accepted" + took + "." + answerText(result)
	}
	failed, ok := errors.AsType[*notify.Error](err)
	if ok {
		return "error", "The test to " + title + " failed: " + failed.Message + answerText(result)
	}
	if errs.KindOf(err) == errs.TooMany {
		return "error", "No test was sent to " + title + ". " + errs.Message(err)
	}
	if errs.KindOf(err) == errs.Internal {
		s.Log.ErrorContext(r.Context(), "send test", "channel", c.ID, "error", err)
	}
	return "error", "The test to " + title + " failed: " + errs.Message(err)
}

// answerText is what an HTTP server has answered, if one has.
func answerText(result notify.Result) string {
	if result.StatusCode == 0 {
		return ""
	}
	text := fmt.Sprintf("\nThe server answered %d %s", result.StatusCode, http.StatusText(result.StatusCode))
	body := strings.TrimSpace(result.Response)
	if body != "" {
		text += ":\n" + body
	}
	return text
}
