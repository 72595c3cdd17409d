package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"punctual/internal/config"
	webstatus "punctual/web/status"
)

// maxStatusAnswer bounds what is read of an answer, in bytes.
const maxStatusAnswer = 1 << 20

// ask asks a running server how it is.
func (c *statusCmd) ask(ctx context.Context, w *world, cfg *config.Config) error {
	address, wanted, err := c.page(cfg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return usageError(fmt.Sprintf("--url: %v", err))
	}
	r.Header.Set("User-Agent", "punctual/"+buildVersion())
	if len(cfg.StatusTokens) > 0 {
		r.Header.Set("Authorization", "Bearer "+cfg.StatusTokens[0])
	}
	// from here on it is only shown
	address.RawQuery = ""
	address.User = nil
	client := http.Client{CheckRedirect: keepToken}
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("%s %s", address, c.reason(err))
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxStatusAnswer))
	if err != nil {
		return fmt.Errorf("%s %s", address, c.reason(err))
	}
	if wanted == reportPage {
		return c.hear(w, address, answer, body, len(cfg.StatusTokens) > 0)
	}
	text := strings.TrimSpace(string(body))
	switch {
	case answer.StatusCode != http.StatusOK && text != "" && strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain"):
		return fmt.Errorf("%s says %.200q (HTTP %d)", address, text, answer.StatusCode)
	case answer.StatusCode != http.StatusOK:
		return fmt.Errorf("%s is not well (HTTP %d)", address, answer.StatusCode)
	case text != wanted:
		return fmt.Errorf("%s does not answer as Punctual does (HTTP %d, %s)", address, answer.StatusCode, answer.Header.Get("Content-Type"))
	}
	return nil
}

// keepToken lets a redirect lead to the same host only where there is a token to
// lose, and never from https to http.
func keepToken(r *http.Request, via []*http.Request) error {
	first := via[0]
	last := via[len(via)-1]
	switch {
	case len(via) > 3:
		return errors.New("too many redirects")
	case last.URL.Scheme == "https" && r.URL.Scheme != "https":
		return errors.New("the redirect leads from https to http")
	case r.URL.Hostname() != first.URL.Hostname() && first.Header.Get("Authorization") != "":
		return fmt.Errorf("the redirect leads to another host, %s, which would get the status token: name that address", r.URL.Host)
	}
	return nil
}

// reportPage stands for a page that answers with a report.
const reportPage = "a report"

// page is the address to ask, and what it says when all is well.
func (c *statusCmd) page(cfg *config.Config) (address *url.URL, wanted string, err error) {
	text := c.URL
	if strings.HasPrefix(text, "/") {
		text = local(cfg.Listen) + cfg.SitePath() + text
	}
	address, err = url.Parse(text)
	if err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" {
		return nil, "", usageError(fmt.Sprintf("--url: %q is no address (allowed: http://HOST, https://HOST/PATH, or /PATH for this machine)",
			c.URL))
	}
	path := strings.TrimRight(address.Path, "/")
	for page, answer := range map[string]string{"/livez": "alive", "/readyz": "ready", "/status/ping": "pong", "/status/bare": ""} {
		if !strings.HasSuffix(path, page) {
			continue
		}
		if strings.HasPrefix(page, "/status") {
			path += "/"
		}
		if len(c.Check)+len(c.Skip) > 0 {
			return nil, "", usageError(fmt.Sprintf("-c and -s choose what /status/ runs; %s takes no choice", page))
		}
		address.Path = path
		return address, answer, nil
	}
	address.Path = strings.TrimSuffix(path, "/status") + "/status/"
	query := address.Query()
	query.Set("format", "json")
	query["check"] = append(query["check"], c.Check...)
	query["skip"] = append(query["skip"], c.Skip...)
	address.RawQuery = query.Encode()
	return address, reportPage, nil
}

// local is how a server on this machine that listens so is reached.
func local(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	ip := net.ParseIP(host)
	if err != nil || host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// hear tells what a report says.
func (c *statusCmd) hear(w *world, address *url.URL, answer *http.Response, body []byte, sentToken bool) error {
	var report struct {
		Status, Message string
		Healthy         *bool
		// of a report; of a refusal, names
		Checks json.RawMessage
	}
	if err := json.Unmarshal(body, &report); err != nil || report.Healthy == nil && report.Message == "" {
		return fmt.Errorf("%s does not answer as Punctual does (HTTP %d, %s)", address, answer.StatusCode, answer.Header.Get("Content-Type"))
	}
	if report.Healthy == nil {
		return fmt.Errorf("%s says: %s (HTTP %d)", address, strings.TrimRight(report.Message, "."), answer.StatusCode)
	}
	var checks []webstatus.Check
	if report.Checks != nil {
		if err := json.Unmarshal(report.Checks, &checks); err != nil {
			return fmt.Errorf("%s does not answer as Punctual does: %w", address, err)
		}
	}
	c.print(w, checks)
	switch {
	case *report.Healthy:
		return nil
	case len(checks) > 0:
		return errUnwell
	case sentToken:
		return fmt.Errorf("%s is not well (HTTP %d); it does not take the status token, which would tell why", address, answer.StatusCode)
	default:
		return fmt.Errorf("%s is not well (HTTP %d); a status token would tell why (PUNCTUAL_STATUS_TOKENS)", address, answer.StatusCode)
	}
}

// reason tells in a few words why there is no answer.
func (c *statusCmd) reason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("did not answer within %s", c.Timeout)
	}
	wrapped, ok := errors.AsType[*url.Error](err)
	if ok {
		err = wrapped.Err
	}
	return fmt.Sprintf("cannot be reached: %v", err)
}
