package status

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/text"
)

// mailKeep spares the mail server: some count logins.
const mailKeep = 30 * time.Second

// Mail connects to the SMTP server, encrypts and logs in as the settings have it,
// and says goodbye.
func Mail(sender *mail.Sender) Check {
	return Check{Name: "mail", Title: "Mail server", Labels: []string{labelMail, labelNetwork}, Keep: mailKeep,
		Run: func(ctx context.Context) Finding {
			start := time.Now()
			if err := sender.Probe(ctx); err != nil {
				return unsent(err)
			}
			took := time.Since(start)
			return Healthy("answers in "+quick(took), Field{"connect_ms", milliseconds(took)})
		}}
}

func unsent(err error) Finding {
	refused, ok := errors.AsType[*mail.SendError](err)
	if ok {
		return Failed(refused.Message, refused.Err)
	}
	return Failed("the mail server cannot be used", err)
}

// mailSendTimeout is enough for servers that look a sender up first.
const mailSendTimeout = 15 * time.Second

// MailSend sends a real mail to each address, and so runs only when it is asked
// for by its name, at most once a minute. site is what the mail is about.
func MailSend(sender *mail.Sender, to []string, site string) Check {
	return Check{
		Name: "mail-send", Title: "A mail to the admins", Labels: []string{labelMail, labelNetwork},
		Costly: true, Timeout: mailSendTimeout, Keep: time.Minute,
		Run: func(ctx context.Context) Finding {
			for _, address := range to {
				e := &monitor.Email{
					MessageID: "selfcheck-" + uuid.NewString() + "@" + sender.Domain(), Kind: "selfcheck", To: address, CreatedAt: time.Now(),
					Subject: "Mail from " + site + " works",
					Text:    "Somebody ran the self-check mail-send of " + site + ".\nThat you read this means that mail works; there is nothing to do.\n",
				}
				if err := sender.Send(ctx, e); err != nil {
					f := unsent(err)
					f.Fact = address + ": " + f.Fact
					return f
				}
			}
			return Healthy("the server has taken "+text.Plural(len(to), "mail", "mails"), Field{"sent", len(to)})
		},
	}
}

// SMTPD asks the listener for pings by e-mail at address for its greeting.
func SMTPD(address string) Check {
	return Check{Name: "smtpd", Title: "Pings by e-mail", Labels: []string{labelWorker}, Run: func(ctx context.Context) Finding {
		line, err := greeting(ctx, address)
		switch {
		case err != nil:
			return Failed("does not greet", err)
		case !strings.HasPrefix(line, "220"):
			// RFC 5321 §3.1; else it is full
			return Warn("turns connections away: " + line)
		}
		return Healthy("takes mail at " + address)
	}}
}

func greeting(ctx context.Context, address string) (string, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return "", err
	}
	fmt.Fprint(conn, "QUIT\r\n")
	return strings.TrimSpace(line), nil
}

// SMTPDNode looks for a live process that takes pings by e-mail.
func SMTPDNode(open Open) Check {
	return Check{Name: "smtpd", Title: "Pings by e-mail", Labels: []string{labelWorker},
		Run: reading(open, func(ctx context.Context, s *store.Store) Finding {
			alive, err := live(ctx, s, "smtpd", "up")
			if err != nil {
				return unread(ctx, err)
			}
			f := Healthy("taking mail", Field{"processes", alive})
			if alive == 0 {
				f.Severity = Error
				f.Fact = fmt.Sprintf("no process that takes pings by e-mail has been seen for %s: start `punctual smtpd`",
					text.Duration(store.NodeTimeout))
			}
			return f
		})}
}
