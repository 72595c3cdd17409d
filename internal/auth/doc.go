// Package auth knows who is asking: mailed login links, passwords, browser
// sessions, API keys and the signatures of links.
//
// Secrets are never stored: of session ids and login tokens the database has
// the SHA-256, of API keys the keyed hash of docs/contract.md §2.2, of passwords the
// Argon2id hash. What a visitor may do in a project is the business of those who
// call; whether one may be asked at all (rate limits) is decided here. What is done
// with projects, and with accounts that are closed, is internal/project.
package auth
