package notify_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/testkit/kindtest"
)

type tokened struct {
	Token    string
	Up, Down bool
}

// A kind may return one error for many deliveries at once: what is taken out for one of them stays in it.
func TestSecretsAreTakenOutOfACopyOfTheError(t *testing.T) {
	t.Parallel()
	shared := &notify.Error{Message: "token s3cret-token is unknown", Err: errors.New("GET /s3cret-token")}
	where := func(*tokened) string { return "example.org" }
	kind := notify.Declare(notify.Declaration[tokened]{
		Name: "chat", Label: "Chat", Group: notify.Programs, Blurb: "For tests.", Lacking: tokened{Up: true, Down: true},
		Fields: func(c *tokened) []notify.Field {
			token := notify.Field{Key: "token", Value: notify.String(&c.Token), Label: "Token", Secret: true}
			return append([]notify.Field{token}, notify.Switches(&c.Up, &c.Down)...)
		},
		Destination: where, Summary: where, AtOnce: 1,
		Send: func(context.Context, *notify.Delivery[tokened]) (notify.Result, error) {
			return notify.Result{}, shared
		},
	})
	r := kindtest.Registry(notify.Env{}, nil, kind)
	_, err := r.Send(t.Context(), kindtest.Event("chat", monitor.StatusDown, `{"token":"s3cret-token","up":true,"down":true}`))
	sendErr, ok := errors.AsType[*notify.Error](err)
	if !ok || strings.Contains(sendErr.Message+sendErr.Err.Error(), "s3cret") {
		t.Errorf("the secret is in %v", err)
	}
	if !strings.Contains(shared.Message, "s3cret-token") {
		t.Errorf("the error of the kind itself became %q", shared.Message)
	}
}
