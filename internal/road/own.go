package road

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/google/uuid"
)

// own asks our address from here.
type own struct {
	endpoint, version string
	client            *http.Client
}

func (o *own) address() string { return o.endpoint }

func (o *own) ask(ctx context.Context, code, rid uuid.UUID) error {
	return fetch(ctx, o.client, o.endpoint, o.version, code, rid)
}

// answerLimit is how much is read of an answer.
const answerLimit = 4 << 10

// fetch pings the check of a code, below endpoint. The error is in words for operators.
func fetch(ctx context.Context, client *http.Client, endpoint, version string, code, rid uuid.UUID) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+code.String()+"?rid="+rid.String(), nil)
	if err != nil {
		return fmt.Errorf("%s is no address", endpoint)
	}
	req.Header.Set("User-Agent", "Punctual-Probe/"+version)
	resp, err := client.Do(req)
	if err != nil {
		return inWords(err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, answerLimit)
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer was %s", resp.Status)
	}
	return nil
}

// inWords is an error of a request without its address, which holds the code.
func inWords(err error) error {
	if urlErr, ok := errors.AsType[*url.Error](err); ok {
		if urlErr.Timeout() {
			return errors.New("no answer within 3 seconds")
		}
		return urlErr.Err
	}
	return err
}
