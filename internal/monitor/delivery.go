package monitor

import (
	"time"

	"github.com/google/uuid"
)

// DeliveryStatus is the state of a delivery.
type DeliveryStatus string

// The states of a delivery.
const (
	DeliveryPending DeliveryStatus = "pending"
	DeliverySent    DeliveryStatus = "sent"
	// given up
	DeliveryFailed DeliveryStatus = "failed"
)

// WaitsToSettle is the Delivery.WaitsFor of the latest change of a check that flaps:
// people have been told so, and are told again when it keeps one status.
const WaitsToSettle = "settle"

// Delivery is one flip to be told through one channel.
type Delivery struct {
	ID int64
	// idempotency key, the same in every attempt
	Code uuid.UUID
	// 0: a test notification
	FlipID int64
	// 0: a test notification
	CheckID   int64
	ChannelID uuid.UUID
	Status    DeliveryStatus
	Attempts  int
	// the flip was stored, which for a timeout is when the deadline was judged
	CreatedAt time.Time
	NextTryAt time.Time
	// accepted by the other side, or given up
	FinishedAt time.Time
	// of the last attempt
	Latency   time.Duration
	LastError string
	// Answer is what the other side said in the last attempt, its host first and at most
	// 200 characters: "mx.example.org 250 2.0.0 Ok: queued as 4bX"; "" = nothing is known.
	Answer string
	// WaitsFor is what a pending delivery waits for, beside NextTryAt: WaitsToSettle, a
	// destination that does not work, or "".
	WaitsFor string
}

// WhyUntold says why nobody was told of a flip through a channel of its check.
type WhyUntold string

// The reasons not to tell.
const (
	// something did not work for good, or the recipient has unsubscribed
	UntoldDisabled WhyUntold = "disabled"
	// the address has not agreed
	UntoldUnverified WhyUntold = "unverified"
	// the channel is not told when a check goes down
	UntoldUnwanted WhyUntold = "unwanted"
)
