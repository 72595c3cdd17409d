// Package notify tells people: what all kinds of channels have in common. A kind
// itself is a file in kinds/, which declares it once (Declaration); the form, the
// API, the documentation, defaults, limits and the hiding of secrets are made of
// that.
//
// A kind makes one attempt and reports how it went. When to try, when to try
// again and when to give up is the dispatcher's business (internal/alert).
package notify
