package ping

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"punctual/internal/spool"
	"punctual/internal/store"
)

// replaceEvery is how often all addresses are read anew, whatever is known to have changed.
const replaceEvery = 24 * time.Hour

// followTime bounds one look at the addresses: there may be millions.
const followTime = 10 * time.Minute

// followAddresses brings the snapshot of addresses up to date.
func (k *keeper) followAddresses(ctx context.Context) error {
	if k.isGone() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, followTime)
	defer cancel()
	addresses := k.Spool.Addresses()
	began, since, ok := parseCursor(addresses.Cursor())
	now := k.Store.Now()
	if !ok || addresses.CompleteAt().IsZero() || now.Sub(since) > store.AddressChangesKept || now.Sub(began) > replaceEvery {
		return k.replaceAddresses(ctx)
	}
	changes, err := k.Store.AddressesChanged(ctx, since)
	if errors.Is(err, store.ErrTooManyChanges) {
		return k.replaceAddresses(ctx)
	}
	if err != nil {
		return err
	}
	changed := make([]spool.Address, len(changes.Changed))
	for i, a := range changes.Changed {
		changed[i] = spool.Address(a)
	}
	err = addresses.Apply(changed, changes.Gone, cursor(began, changes.Until), changes.Until)
	if errors.Is(err, spool.ErrNoSnapshot) {
		return k.replaceAddresses(ctx)
	}
	return err
}

// replaceAddresses reads all addresses.
func (k *keeper) replaceAddresses(ctx context.Context) error {
	// from then on changes are followed
	changes, err := k.Store.AddressesChanged(ctx, k.Store.Now().Add(time.Hour))
	if err != nil {
		return err
	}
	errStop := errors.New("enough")
	all := func(yield func(spool.Address, error) bool) {
		err := k.Store.Addresses(ctx, func(page []store.Address) error {
			for _, a := range page {
				if !yield(spool.Address(a), nil) {
					return errStop
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(spool.Address{}, err)
		}
	}
	return k.Spool.Addresses().Replace(all, cursor(changes.Until, changes.Until), changes.Until)
}

// cursor tells since when all addresses were read, and until when changes are known, both by
// the clock of the database.
func cursor(began, until time.Time) string {
	return strconv.FormatInt(began.UnixMicro(), 10) + " " + strconv.FormatInt(until.UnixMicro(), 10)
}

// parseCursor reads what cursor has made.
func parseCursor(text string) (began, until time.Time, ok bool) {
	first, second, found := strings.Cut(text, " ")
	a, errA := strconv.ParseInt(first, 10, 64)
	b, errB := strconv.ParseInt(second, 10, 64)
	if !found || errA != nil || errB != nil {
		return time.Time{}, time.Time{}, false
	}
	return time.UnixMicro(a), time.UnixMicro(b), true
}
