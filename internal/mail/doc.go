// Package mail makes and sends outgoing mail.
//
// A Composer renders messages from templates/email, a Sender hands one message
// to the SMTP server, and a Queue keeps messages in the database until the
// server has taken them. Alerts do not wait in the queue: the dispatcher sends
// them itself through Queue.Deliver and retries on its own.
package mail
