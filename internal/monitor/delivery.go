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
	DeliveryFailed  DeliveryStatus = "failed" // given up
)

// Delivery is one flip to be told through one channel.
type Delivery struct {
	ID         int64
	Code       uuid.UUID // idempotency key, the same in every attempt
	FlipID     int64     // 0: a test notification
	CheckID    int64     // 0: a test notification
	ChannelID  uuid.UUID
	Status     DeliveryStatus
	Attempts   int
	CreatedAt  time.Time
	NextTryAt  time.Time
	FinishedAt time.Time
	Latency    time.Duration // of the last attempt
	LastError  string
}
