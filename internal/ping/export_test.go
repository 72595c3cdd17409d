package ping

// ParseTargetForTest lets the fuzz target reach the parser of ping URLs.
func ParseTargetForTest(path string) bool {
	_, ok := parseTarget(path)
	return ok
}
