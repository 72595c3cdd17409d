package mail

// Digest tells of several checks that have changed within a short time.
type Digest struct {
	Owned
	To string
	// idempotency key, the code of one of the deliveries
	Key string
	// “5 checks are DOWN, 1 is UP”
	Title   string
	Project string
	// what is down first
	Items []DigestItem
	// checks that have changed beyond those
	More int

	// to the project's checks
	Link string
	// one click is enough (RFC 8058)
	Unsubscribe string
}

// DigestItem is the change of one check.
type DigestItem struct {
	// DOWN, UP or FLAPPING
	Word string
	Down bool
	// of the check
	Name string
	// what happened
	Sentence string
	// moment of the change, in the reader's zone
	When string
	// to the check
	Link string
}

// Digest makes the mail.
func (c *Composer) Digest(d Digest) (*Message, error) {
	m, err := c.compose(KindDigest, d.To, d.Title, d.Link, d)
	if err != nil {
		return nil, err
	}
	c.ofDelivery(m, d.Key, d.Unsubscribe)
	return m, nil
}
