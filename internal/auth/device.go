package auth

import (
	"strconv"
	"strings"
	"time"

	"punctual/internal/monitor"
)

// DeviceLife is for how long a browser counts as one in which its user has
// logged in before.
const DeviceLife = 180 * 24 * time.Hour

const purposeDevice = "known device "

// Origin is where an attempt to log in comes from.
type Origin struct {
	IP string
	// Device is what DeviceMark has returned, from the cookie; "" = none. It opens
	// nothing, but its browser has limits of its own, which attempts from elsewhere
	// do not use up.
	Device string
}

// DeviceMark is to be kept in a cookie of a browser in which the user has just
// logged in; old is what the cookie holds.
func (s *Service) DeviceMark(old string, user *monitor.User) string {
	id, known := s.knownDevice(old, user.Email)
	if !known {
		id = NewSecret()
	}
	value := id + "." + strconv.FormatInt(s.Store.Now().Add(DeviceLife).Unix(), 36)
	return value + "." + s.signer.Sign(purposeDevice+user.Email, value)
}

// knownDevice reads a mark that DeviceMark made for the user with the address; id
// names the browser. It looks at no account: the time it takes tells nothing of
// whether there is one.
func (s *Service) knownDevice(mark, address string) (id string, known bool) {
	dot := strings.LastIndexByte(mark, '.')
	if dot < 0 || !s.signer.Verify(purposeDevice+address, mark[:dot], mark[dot+1:]) {
		return "", false
	}
	id, end, _ := strings.Cut(mark[:dot], ".")
	seconds, err := strconv.ParseInt(end, 36, 64)
	return id, err == nil && s.Store.Now().Unix() < seconds
}
