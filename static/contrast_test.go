package static_test

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"punctual/static"
)

// Whatever is drawn without words, such as the border of a field, an icon or a bar,
// reaches 3:1 on what it is drawn on, light and dark; text reaches 4.5:1.
func TestColoursAreSeenOnWhatTheyAreDrawnOn(t *testing.T) {
	t.Parallel()
	css, err := static.FS.ReadFile("css/tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	tokens := tokensOf(string(css))
	for _, tc := range []struct {
		names string
		on    string
		least float64
	}{
		{"field up down grace run new brand mut", "card bg", 3},
		{"fg mut up-text down-text grace-text run-text brand", "card bg", 4.5},
	} {
		for _, name := range strings.Fields(tc.names) {
			for _, on := range strings.Fields(tc.on) {
				for i, scheme := range []string{"light", "dark"} {
					got := contrast(tokens[name][i], tokens[on][i])
					if got < tc.least {
						t.Errorf("--%s on --%s has %.2f:1 in the %s, want %.1f:1", name, on, got, scheme, tc.least)
					}
				}
			}
		}
	}
}

// light is the luminance of a colour, 0 to 1.
type light float64

func contrast(a, b light) float64 {
	return (math.Max(float64(a), float64(b)) + .05) / (math.Min(float64(a), float64(b)) + .05)
}

var (
	token = regexp.MustCompile(`--([a-z-]+): light-dark\((oklch\([^)]*\)|#fff), (oklch\([^)]*\)|#fff)\)`)
	oklch = regexp.MustCompile(`oklch\(([\d.]+)% ([\d.]+) ([\d.]+)\)`)
)

// tokensOf are the colours of the style by name, light and dark.
func tokensOf(css string) map[string][2]light {
	out := map[string][2]light{}
	for _, m := range token.FindAllStringSubmatch(css, -1) {
		out[m[1]] = [2]light{lightOf(m[2]), lightOf(m[3])}
	}
	return out
}

// lightOf computes the luminance of white or of a colour in OKLCH.
func lightOf(colour string) light {
	m := oklch.FindStringSubmatch(colour)
	if m == nil {
		return 1
	}
	number := func(text string) float64 {
		n, _ := strconv.ParseFloat(text, 64)
		return n
	}
	lightness := number(m[1]) / 100
	a := number(m[2]) * math.Cos(number(m[3])*math.Pi/180)
	b := number(m[2]) * math.Sin(number(m[3])*math.Pi/180)
	long := math.Pow(lightness+.3963377774*a+.2158037573*b, 3)
	middle := math.Pow(lightness-.1055613458*a-.0638541728*b, 3)
	short := math.Pow(lightness-.0894841775*a-1.2914855480*b, 3)
	within := func(v float64) float64 { return min(1, max(0, v)) }
	red := within(4.0767416621*long - 3.3077115913*middle + .2309699292*short)
	green := within(-1.2684380046*long + 2.6097574011*middle - .3413193965*short)
	blue := within(-.0041960863*long - .7034186147*middle + 1.7076147010*short)
	return light(.2126*red + .7152*green + .0722*blue)
}
