package admin

// What tests of the pages need of what is behind them.
const MailboxCookie = mailboxCookie
const MailboxLife = mailboxLife
const PurposeMailbox = purposeMailbox
