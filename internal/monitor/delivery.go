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
	CheckID    int64
	ChannelID  uuid.UUID
	Status     DeliveryStatus
	Attempts   int
	CreatedAt  time.Time
	NextTryAt  time.Time
	FinishedAt time.Time
	// of the last attempt
	Latency   time.Duration
	LastError string
	// WaitsFor is what a pending delivery waits for, beside NextTryAt: WaitsToSettle, a
	// destination that does not work, or "".
	WaitsFor string
}
