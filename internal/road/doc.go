// Package road looks whether the road from jobs to us is open: it asks our own public
// ping address, as a client would, and lets a second Punctual ask it from outside.
//
// The name may be broken, the certificate may have expired, the proxy before us may be
// dead or a port filtered, while our processes and our database are fine. Then all jobs
// fall silent at once. What is silent proves nothing while our own ping does not arrive:
//
//	every 30 s, and when many are silent at once     up to three tries in 10 s
//	          │
//	          ▼
//	own:   GET {PING_ENDPOINT}CODE?rid=RID ──DNS, TLS, proxies──> serve ──> pings ─┐
//	peer:  POST {PEER_URL}/peer/probe ──> peer ──GET the same from outside──> … ──>┤
//	          ▲                                                                    │
//	          └───────────────── has the ping with that run id arrived? ───────────┘
//
// An answer is good when the very ping of the try stands in the database, whatever the
// answer says: nobody else can have answered, and what jobs send arrives, too. It fails
// when all tries have failed while a process took pings all the time. A failure within an
// hour of a good answer is a blind interval (store.RoadFailed), and operators are told.
// An address that was never seen to work from there says nothing when it fails: many
// networks have no way back to themselves.
//
// One process asks at a time, of those that send alerts; what came of it stands in the
// database, for all.
package road
