package smtpsink

import (
	"net"

	"github.com/emersion/go-smtp"
)

type stage int

const (
	never stage = iota
	atConnect
	atRcpt
	atData
	afterData
)

// Behaviour is what the sink does with one message (or, for Refuse and Mute, one connection). The zero value is Accept.
type Behaviour struct {
	at stage
	// SMTP reply; 0 stands for silence at atRcpt and atData
	code int
	// at atConnect: say nothing, for good
	mute bool
}

// Accept keeps the message and says so.
var Accept = Behaviour{}

// Refuse closes the next connection before a greeting.
var Refuse = Behaviour{at: atConnect}

// Mute takes the next connection and never says anything, until the test ends.
var Mute = Behaviour{at: atConnect, mute: true}

// Hang answers nothing to DATA once the message has arrived, until the test ends or the client goes away. The
// message is not kept.
var Hang = Behaviour{at: atData}

// DropAfterData keeps the message but breaks the connection instead of answering: the client cannot know.
var DropAfterData = Behaviour{at: afterData}

// RejectRcpt answers each recipient of the message with code (400 to 599); with 550 it says that there is no such address.
func RejectRcpt(code int) Behaviour { return Behaviour{at: atRcpt, code: code} }

// RejectData answers code (400 to 599) once the message has arrived. The message is not kept.
func RejectData(code int) Behaviour { return Behaviour{at: atData, code: code} }

// Next plays behaviours on the coming messages, one each, after those of earlier calls.
func (s *Sink) Next(behaviours ...Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = append(s.next, behaviours...)
}

// Always sets what happens to messages that Next says nothing about; at first Accept.
func (s *Sink) Always(b Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.always = b
}

// play takes the behaviour whose turn it is. Refuse and Mute are only for connections and everything else only for messages;
// the other kind of caller gets Accept and leaves it in its place.
func (s *Sink) play(connection bool) Behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.always
	scripted := len(s.next) > 0
	if scripted {
		b = s.next[0]
	}
	if connection != (b.at == atConnect) {
		return Accept
	}
	if scripted {
		s.next = s.next[1:]
	}
	return b
}

func (b Behaviour) reply() error {
	if b.at == atRcpt && b.code == 550 {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "User unknown"}
	}
	return &smtp.SMTPError{
		Code:         b.code,
		EnhancedCode: smtp.EnhancedCode{b.code / 100, 0, 0},
		Message:      "as the test asked for",
	}
}

// refusing is a listener that keeps connections to itself when a Refuse or Mute is due.
type refusing struct {
	net.Listener
	sink *Sink
}

func (l *refusing) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		switch l.sink.play(true) {
		case Refuse:
			// its client finds out
			_ = conn.Close()
		case Mute:
			go func() {
				<-l.sink.closed
				_ = conn.Close()
			}()
		default:
			return conn, nil
		}
	}
}
