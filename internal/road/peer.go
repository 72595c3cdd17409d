package road

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
)

// PeerPath is where a peer is asked, below the root of its site.
const PeerPath = "/peer/probe"

// peerTime bounds what a peer does for us. It is less than a try, so that its answer
// arrives.
const peerTime = 2500 * time.Millisecond

// question is what a peer is asked. The address is not in it: the peer has that of its own
// settings, so that nobody can make it ask for another.
type question struct {
	Code uuid.UUID `json:"code"`
	RID  uuid.UUID `json:"rid"`
}

// reply is what a peer answers.
type reply struct {
	// the ping was answered as it should be
	OK bool `json:"ok"`
	// why not, "" = it was
	Error string `json:"error,omitempty"`
}

// peer lets a second Punctual ask our address.
type peer struct {
	url, secret, version string
	client               *http.Client
}

func newPeer(cfg Config, client *http.Client) *peer {
	url := strings.TrimSuffix(cfg.PeerURL, "/") + PeerPath
	return &peer{url: url, secret: cfg.PeerSecret, version: cfg.Version, client: client}
}

func (p *peer) address() string { return p.url }

// ask returns errUntold where the peer has not answered: that says nothing about the way
// to us.
func (p *peer) ask(ctx context.Context, code, rid uuid.UUID) error {
	// there is nothing in it that cannot be written
	body, _ := json.Marshal(question{Code: code, RID: rid})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return untold("PUNCTUAL_PEER_URL is no address")
	}
	req.Header.Set("Authorization", "Bearer "+p.secret)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Punctual-Probe/"+p.version)
	resp, err := p.client.Do(req)
	if err != nil {
		return untold("the peer does not answer: " + inWords(err).Error())
	}
	defer resp.Body.Close()
	var answer reply
	err = json.NewDecoder(io.LimitReader(resp.Body, answerLimit)).Decode(&answer)
	switch {
	case resp.StatusCode != http.StatusOK || err != nil:
		return untold("the peer answers " + resp.Status)
	case !answer.OK:
		return fmt.Errorf("the peer says: %s", answer.Error)
	default:
		// where nothing has arrived it has asked somebody else
		return untold("the peer has pinged another address: see its PUNCTUAL_PEER_PING_ENDPOINT")
	}
}

func untold(why string) error { return fmt.Errorf("%w: %s", errUntold, why) }

// Answerer answers a peer that asks whether its public ping address works from here.
type Answerer struct {
	endpoint, secret, version string
	client                    *http.Client
	// has an entry for each request under way
	busy chan struct{}
	log  *slog.Logger
}

// answersAtOnce bounds the requests that a peer can make us do at the same time.
const answersAtOnce = 4

// NewAnswerer answers who knows the secret. What it asks for begins with endpoint: the
// ping addresses of the peer. version is sent as User-Agent.
func NewAnswerer(endpoint, secret, version string, log *slog.Logger) *Answerer {
	return &Answerer{
		endpoint: endpoint, secret: secret, version: version, client: NewClient(peerTime), busy: make(chan struct{}, answersAtOnce), log: log,
	}
}

// ServeHTTP pings the address of the peer once and tells what came of it.
func (a *Answerer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || subtle.ConstantTimeCompare([]byte(given), []byte(a.secret)) != 1 {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "wrong secret", http.StatusUnauthorized)
		return
	}
	var q question
	err := json.NewDecoder(io.LimitReader(r.Body, answerLimit)).Decode(&q)
	if err != nil || q.Code == uuid.Nil || q.RID == uuid.Nil {
		http.Error(w, "a code and a rid are wanted", http.StatusBadRequest)
		return
	}
	select {
	case a.busy <- struct{}{}:
		defer func() { <-a.busy }()
	default:
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many at once", http.StatusTooManyRequests)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), peerTime)
	defer cancel()
	answer := reply{OK: true}
	err = fetch(ctx, a.client, a.endpoint, a.version, q.Code, q.RID)
	if err != nil {
		answer = reply{Error: err.Error()}
		a.log.Info("the ping address of the peer does not answer", "error", err)
	}
	if errors.Is(r.Context().Err(), context.Canceled) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}
