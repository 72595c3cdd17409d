package monitor

// How long texts may be that people and programs give us, in characters: the one
// table for pages, API, pings and commands. What is longer, because it was stored
// or imported before the limit was there, is kept and may be saved unchanged.
const (
	// Checks.
	MaxNameLength        = 100
	MaxSlugLength        = 100
	MaxTagsLength        = 500 // all tags together, with the blanks between
	MaxDescriptionLength = 10_000
	MaxScheduleLength    = 100
	MaxKeywordLength     = 200 // each of the three lists

	// Channels. What else a kind takes, its provider limits.
	MaxChannelName    = 100
	MaxChannelAddress = 100  // an e-mail address that gets alerts
	MaxWebhookText    = 1000 // each URL, each body, the headers together

	// Projects, walls and accounts.
	MaxProjectName     = 60
	MaxWallName        = 60
	MaxKeyName         = 100 // of a security key
	MaxTokenName       = 60  // of an account token
	MaxAddressLength   = 254 // bytes of the e-mail address of an account
	MaxPasswordLength  = 1000
	MaxSessionAgent    = 300 // bytes kept of the browser's name in the list of sessions
	MaxSearchLength    = 200 // what is looked for in the log of a check
	MaxDocSearchLength = 100

	// Pings: what is longer is cut, for no ping is refused.
	MaxUserAgent = 200
	MaxMethod    = 10
)
