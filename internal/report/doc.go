// Package report mails people how their checks did, by the day, week or month,
// and reminds them of checks that stay down.
//
//	users.next_report_at ──── comes ───▶ compose ─▶ one transaction: the next date, and the mail into emails
//	users.next_nag_at   ──── comes ───▶ compose ─▶ the same
//	            ▲  a check goes down: now + the period │ all are up: none
//	            └──────────────────────────────────────┘
//
// dates.go and content.go are pure: when a report comes, and what is in it.
// worker.go is the loop; any number may run beside each other. Whoever moves a
// user's date first has sent the mail, since both happen in one transaction;
// from the queue it goes out as every mail does.
package report
