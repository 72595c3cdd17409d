package config

import (
	"fmt"
	"net"
	"regexp"
	"strconv"
)

// checkTarget checks the address of a server to send to.
func checkTarget(address string) error {
	host, port, err := net.SplitHostPort(address)
	n, portErr := strconv.Atoi(port)
	if err != nil || portErr != nil || host == "" || n < 1 || n > 65535 {
		return fmt.Errorf("%q is not an address to send to (allowed: HOST:PORT, as in 127.0.0.1:8125)", address)
	}
	return nil
}

var (
	statsdPrefix = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
	statsdTag    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*:[A-Za-z0-9_./-]+$`)
)

func checkStatsDPrefix(prefix string) error {
	if !statsdPrefix.MatchString(prefix) {
		return fmt.Errorf("%q is not a prefix (allowed: letters, digits, _ and -, in parts separated by dots)", prefix)
	}
	return nil
}

func checkStatsDTag(tag string) error {
	if !statsdTag.MatchString(tag) {
		return fmt.Errorf("%q is not a tag (allowed: KEY:VALUE of letters, digits, _ . / and -)", tag)
	}
	return nil
}
