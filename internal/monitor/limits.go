package monitor

// How long texts may be that people and programs give us, in characters: the one
// table for pages, API, pings and commands. What is longer, because it was stored
// or imported before the limit was there, is kept and may be saved unchanged.
const (
	// Checks.
	MaxNameLength = 100
	MaxSlugLength = 100
	// all tags together, with the blanks between
	MaxTagsLength        = 500
	MaxDescriptionLength = 10_000
	MaxScheduleLength    = 100
	// each of the three lists
	MaxKeywordLength = 200

	// Channels. What else a kind takes, its provider limits.
	MaxChannelName = 100
	// an e-mail address that gets alerts
	MaxChannelAddress = 100
	// each URL, each body, the headers together
	MaxWebhookText = 1000

	// Projects, walls and accounts.
	MaxProjectName = 60
	MaxWallName    = 60
	// of a security key
	MaxKeyName = 100
	// of an account token
	MaxTokenName = 60
	// bytes of the e-mail address of an account
	MaxAddressLength  = 254
	MaxPasswordLength = 1000
	// bytes kept of the browser's name in the list of sessions
	MaxSessionAgent = 300
	// what is looked for in the log of a check
	MaxSearchLength    = 200
	MaxDocSearchLength = 100

	// Pings: what is longer is cut, for no ping is refused.
	MaxUserAgent = 200
	MaxMethod    = 10
)
