package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/mail"
	"punctual/internal/store"
	"punctual/internal/text"
	"punctual/web/intake"
)

// How long after a delivery was made it can still turn out that it has not
// arrived (docs/contract.md §5).
const (
	callbackTime = time.Hour
	bounceTime   = mail.ReturnPathTime
)

const (
	// of a callback
	maxForm = 64 << 10
	// of a bounce: what comes after the report is not needed
	maxBounce = 1 << 20
	// characters of what is kept as the reason
	maxReason = 200
)

// deliveryStatus is POST notifications/<uuid>/status: a provider tells what has
// become of a message it had accepted. The uuid is the secret. The answer is
// always an empty 200: providers repeat everything else.
func (a *api) deliveryStatus(w http.ResponseWriter, r *http.Request) error {
	err := intake.Form(w, r, maxForm, true)
	// anything else that cannot be read tells nothing
	if errors.Is(err, intake.ErrFull) {
		return err
	}
	code := uuid.MustParse(chi.URLParam(r, "code"))
	reason, disable := undelivered(r.PostForm)
	if reason != "" {
		err := a.noteUndelivered(r.Context(), code, store.Bounce{MaxAge: callbackTime, Reason: reason, Disable: disable})
		if err != nil && errs.KindOf(err) != errs.NotFound {
			return err
		}
	}
	empty(w, http.StatusOK)
	return nil
}

// undelivered reads the fields of a callback: error and mark_disabled, or what
// Twilio sends for messages and calls. No reason means that nothing is wrong.
func undelivered(form url.Values) (reason string, disable bool) {
	reason = form.Get("error")
	if reason != "" {
		disable = form.Get("mark_disabled") != ""
	}
	s := form.Get("MessageStatus")
	if s == "failed" || s == "undelivered" {
		reason = "Delivery failed (status=" + s + ")."
	}
	if form.Get("CallStatus") == "failed" {
		reason = "Delivery failed (status=failed)."
	}
	return reason, disable
}

// noteUndelivered stores that a delivery has not arrived, and tells the owner
// where that was the end of the channel. It fails with errs.NotFound when there
// is no such delivery, or none young enough.
func (a *api) noteUndelivered(ctx context.Context, code uuid.UUID, b store.Bounce) error {
	b.Reason = text.Clip(b.Reason, maxReason)
	u, err := a.Store.NoteUndelivered(ctx, code, b)
	if err != nil {
		return err
	}
	a.Log.InfoContext(ctx, "a delivery has not arrived", "delivery", code, "channel", u.Channel.ID, "reason", b.Reason, "channel_disabled",
		u.Disabled)
	if !u.Disabled || a.ChannelBroken == nil {
		return nil
	}
	if err := a.ChannelBroken(ctx, *u); err != nil {
		a.Log.ErrorContext(ctx, "the owner of a broken channel could not be told", "channel", u.Channel.ID, "error", err)
	}
	return nil
}

// bounce is POST bounces/: a mail server passes a mail on that came back to one
// of our return paths. The answer says what was done, always with 200.
func (a *api) bounce(w http.ResponseWriter, r *http.Request) error {
	raw, err := intake.Start(w, r, maxBounce)
	if err != nil {
		a.failBody(w, r, maxBounce, err)
		return nil
	}
	answer, err := a.readBounce(r.Context(), bytes.NewReader(raw))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write([]byte(answer))
	return nil
}

func (a *api) readBounce(ctx context.Context, raw io.Reader) (string, error) {
	b, err := a.ReturnPaths.Read(raw, a.Store.Now())
	switch {
	case errors.Is(err, mail.ErrNotOurs):
		return "OK (bad signature)", nil
	case err != nil:
		return "", fmt.Errorf("read bounce: %w", err)
	case !b.Permanent() && !b.Transient():
		return "OK (ignored)", nil
	case b.About == mail.AboutReport:
		return a.reportBounced(ctx, b)
	}
	reason := "Delivery failed (SMTP status code: " + b.Status + ")"
	if b.Diagnostic != "" {
		reason = "Delivery failed (" + b.Diagnostic + ")"
	}
	err = a.noteUndelivered(ctx, b.ID, store.Bounce{MaxAge: bounceTime, Reason: reason, Disable: b.Permanent()})
	if errs.KindOf(err) == errs.NotFound {
		return "OK (notification not found)", nil
	}
	return "OK", err
}

// reportBounced ends reports and nags to an address that does not exist.
func (a *api) reportBounced(ctx context.Context, b mail.Bounce) (string, error) {
	if !b.Permanent() {
		return "OK", nil
	}
	err := a.Store.StopReports(ctx, b.ID)
	if errs.KindOf(err) == errs.NotFound {
		return "OK (user not found)", nil
	}
	if err != nil {
		return "", fmt.Errorf("bounced report: %w", err)
	}
	return "OK", nil
}
