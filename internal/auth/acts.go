package auth

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// ActTime is how long the link of an act holds.
const ActTime = 30 * 24 * time.Hour

// SignAct signs an act that a link in a mail offers its reader, who needs no login: what
// is done is in purpose, to what in value, and who is taken to do it in by. The link holds
// for ActTime from when it is made. OpenAct reads the result, which needs no escaping in
// an URL. The page behind the link must ask before it acts: programs open links, too.
func (s *Signer) SignAct(purpose, value, by string, made time.Time) string {
	signed := strconv.FormatInt(made.Unix(), 36) + "." + base64.RawURLEncoding.EncodeToString([]byte(by))
	return signed + "." + s.Sign(purpose, signed+"."+value)
}

// OpenAct reads who is taken to act. right is false where we have not signed that for the
// purpose and the value, expired is true where it does not hold any more at time now.
func (s *Signer) OpenAct(purpose, value, signed string, now time.Time) (by string, expired, right bool) {
	dot := strings.LastIndexByte(signed, '.')
	if dot < 0 || !s.Verify(purpose, signed[:dot]+"."+value, signed[dot+1:]) {
		return "", false, false
	}
	made, encoded, _ := strings.Cut(signed[:dot], ".")
	seconds, err := strconv.ParseInt(made, 36, 64)
	text, err2 := base64.RawURLEncoding.DecodeString(encoded)
	return string(text), now.Sub(time.Unix(seconds, 0)) > ActTime, err == nil && err2 == nil
}

// purposeVerdict is that of links by which somebody says what became of an unknown run.
const purposeVerdict = "verdict of an unknown run"

// VerdictPath is the path, below SITE_ROOT, by which the reader of a mail sent to an
// address says what became of an unknown run: verdict is success or fail.
func (s *Signer) VerdictPath(run int64, verdict, address string, made time.Time) string {
	value := strconv.FormatInt(run, 10) + "/" + verdict
	return "/unknown-runs/" + value + "/" + s.SignAct(purposeVerdict, value, address, made) + "/"
}

// OpenVerdict reads the last part of such a path, see OpenAct.
func (s *Signer) OpenVerdict(run int64, verdict, signed string, now time.Time) (address string, expired, right bool) {
	return s.OpenAct(purposeVerdict, strconv.FormatInt(run, 10)+"/"+verdict, signed, now)
}
