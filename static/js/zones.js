// Which time zones somebody means who types a few letters: names, cities that are no names, old names, abbreviations, offsets.

// Names that zones had before, as internal/schedule/zones.txt has them; a test compares.
const renamed = {
  'Africa/Abidjan': 'Africa/Timbuktu',
  'Africa/Asmara': 'Africa/Asmera',
  'Africa/Cairo': 'Egypt',
  'Africa/Tripoli': 'Libya',
  'America/Adak': 'America/Atka US/Aleutian',
  'America/Anchorage': 'US/Alaska',
  'America/Argentina/Buenos_Aires': 'America/Buenos_Aires',
  'America/Argentina/Catamarca': 'America/Argentina/ComodRivadavia America/Catamarca',
  'America/Argentina/Cordoba': 'America/Cordoba America/Rosario',
  'America/Argentina/Jujuy': 'America/Jujuy',
  'America/Argentina/Mendoza': 'America/Mendoza',
  'America/Chicago': 'CST6CDT US/Central',
  'America/Denver': 'America/Shiprock MST7MDT Navajo US/Mountain',
  'America/Detroit': 'US/Michigan',
  'America/Edmonton': 'America/Yellowknife Canada/Mountain',
  'America/Halifax': 'Canada/Atlantic',
  'America/Havana': 'Cuba',
  'America/Indiana/Indianapolis': 'America/Fort_Wayne America/Indianapolis US/East-Indiana',
  'America/Indiana/Knox': 'America/Knox_IN US/Indiana-Starke',
  'America/Iqaluit': 'America/Pangnirtung',
  'America/Jamaica': 'Jamaica',
  'America/Kentucky/Louisville': 'America/Louisville',
  'America/Los_Angeles': 'PST8PDT US/Pacific',
  'America/Manaus': 'Brazil/West',
  'America/Mazatlan': 'Mexico/BajaSur',
  'America/Mexico_City': 'Mexico/General',
  'America/New_York': 'EST5EDT US/Eastern',
  'America/Noronha': 'Brazil/DeNoronha',
  'America/Nuuk': 'America/Godthab',
  'America/Panama': 'America/Coral_Harbour EST',
  'America/Phoenix': 'MST US/Arizona',
  'America/Regina': 'Canada/Saskatchewan',
  'America/Rio_Branco': 'America/Porto_Acre Brazil/Acre',
  'America/Santiago': 'Chile/Continental',
  'America/Sao_Paulo': 'Brazil/East',
  'America/St_Johns': 'Canada/Newfoundland',
  'America/St_Thomas': 'America/Virgin',
  'America/Tijuana': 'America/Ensenada America/Santa_Isabel Mexico/BajaNorte',
  'America/Toronto': 'America/Montreal America/Nipigon America/Thunder_Bay Canada/Eastern',
  'America/Vancouver': 'Canada/Pacific',
  'America/Whitehorse': 'Canada/Yukon',
  'America/Winnipeg': 'America/Rainy_River Canada/Central',
  'Asia/Ashgabat': 'Asia/Ashkhabad',
  'Asia/Dhaka': 'Asia/Dacca',
  'Asia/Ho_Chi_Minh': 'Asia/Saigon',
  'Asia/Hong_Kong': 'Hongkong',
  'Asia/Jerusalem': 'Asia/Tel_Aviv Israel',
  'Asia/Kathmandu': 'Asia/Katmandu',
  'Asia/Kolkata': 'Asia/Calcutta',
  'Asia/Macau': 'Asia/Macao',
  'Asia/Makassar': 'Asia/Ujung_Pandang',
  'Asia/Nicosia': 'Europe/Nicosia',
  'Asia/Seoul': 'ROK',
  'Asia/Shanghai': 'Asia/Chongqing Asia/Chungking Asia/Harbin PRC',
  'Asia/Singapore': 'Singapore',
  'Asia/Taipei': 'ROC',
  'Asia/Tehran': 'Iran',
  'Asia/Thimphu': 'Asia/Thimbu',
  'Asia/Tokyo': 'Japan',
  'Asia/Ulaanbaatar': 'Asia/Choibalsan Asia/Ulan_Bator',
  'Asia/Urumqi': 'Asia/Kashgar',
  'Asia/Yangon': 'Asia/Rangoon',
  'Atlantic/Faroe': 'Atlantic/Faeroe',
  'Atlantic/Reykjavik': 'Iceland',
  'Australia/Adelaide': 'Australia/South',
  'Australia/Brisbane': 'Australia/Queensland',
  'Australia/Broken_Hill': 'Australia/Yancowinna',
  'Australia/Darwin': 'Australia/North',
  'Australia/Hobart': 'Australia/Currie Australia/Tasmania',
  'Australia/Lord_Howe': 'Australia/LHI',
  'Australia/Melbourne': 'Australia/Victoria',
  'Australia/Perth': 'Australia/West',
  'Australia/Sydney': 'Australia/ACT Australia/Canberra Australia/NSW',
  'Etc/GMT': 'GMT+0 GMT-0 GMT0 Greenwich',
  'Etc/UTC': 'UCT Universal Zulu',
  'Europe/Athens': 'EET',
  'Europe/Berlin': 'Atlantic/Jan_Mayen',
  'Europe/Brussels': 'CET MET',
  'Europe/Chisinau': 'Europe/Tiraspol',
  'Europe/Dublin': 'Eire',
  'Europe/Istanbul': 'Asia/Istanbul Turkey',
  'Europe/Kyiv': 'Europe/Kiev Europe/Uzhgorod Europe/Zaporozhye',
  'Europe/Lisbon': 'Portugal WET',
  'Europe/London': 'Europe/Belfast GB GB-Eire',
  'Europe/Moscow': 'W-SU',
  'Europe/Warsaw': 'Poland',
  'Pacific/Auckland': 'Antarctica/South_Pole NZ',
  'Pacific/Chatham': 'NZ-CHAT',
  'Pacific/Chuuk': 'Pacific/Truk',
  'Pacific/Easter': 'Chile/EasterIsland',
  'Pacific/Honolulu': 'HST Pacific/Johnston US/Hawaii',
  'Pacific/Kanton': 'Pacific/Enderbury',
  'Pacific/Kwajalein': 'Kwajalein',
  'Pacific/Pago_Pago': 'Pacific/Samoa US/Samoa',
  'Pacific/Pohnpei': 'Pacific/Ponape',
  'Pacific/Port_Moresby': 'Pacific/Yap',
};

// What people type that stands in no list of zones: abbreviations, and cities by the zone whose time they keep.
const words = {
  'Africa/Cairo': 'Alexandria',
  'Africa/Johannesburg': 'SAST Cape_Town Durban Pretoria',
  'Africa/Lagos': 'WAT Abuja Kano',
  'Africa/Nairobi': 'EAT Mombasa',
  'America/Anchorage': 'AKST AKDT',
  'America/Argentina/Buenos_Aires': 'ART',
  'America/Bogota': 'Medellin Cali',
  'America/Chicago': 'CST CDT Central_Time Austin Dallas Houston San_Antonio Minneapolis New_Orleans St_Louis Milwaukee Kansas_City Nashville',
  'America/Denver': 'MST MDT Mountain_Time Salt_Lake_City Albuquerque Colorado_Springs El_Paso',
  'America/Edmonton': 'Calgary',
  'America/Halifax': 'AST ADT Atlantic_Time',
  'America/Los_Angeles': 'PST PDT Pacific_Time San_Francisco Seattle San_Diego Portland Las_Vegas San_Jose Silicon_Valley',
  'America/Mexico_City': 'Guadalajara Puebla',
  'America/New_York': 'EST EDT Eastern_Time Boston Washington_DC Philadelphia Atlanta Miami Charlotte Pittsburgh Cleveland Baltimore Orlando',
  'America/Phoenix': 'Tucson Scottsdale',
  'America/Sao_Paulo': 'BRT Rio_de_Janeiro Brasilia Belo_Horizonte Porto_Alegre Curitiba',
  'America/St_Johns': 'NST NDT',
  'America/Toronto': 'Ottawa Quebec Hamilton',
  'America/Vancouver': 'Victoria',
  'America/Winnipeg': 'Manitoba',
  'Asia/Dubai': 'GST Abu_Dhabi',
  'Asia/Ho_Chi_Minh': 'Hanoi Da_Nang',
  'Asia/Hong_Kong': 'HKT',
  'Asia/Jakarta': 'WIB Bandung Surabaya',
  'Asia/Jerusalem': 'Haifa',
  'Asia/Karachi': 'PKT Lahore Islamabad',
  'Asia/Kolkata': 'IST Mumbai Bombay Delhi New_Delhi Bangalore Bengaluru Chennai Madras Hyderabad Pune Ahmedabad',
  'Asia/Manila': 'PHT Quezon_City Cebu',
  'Asia/Riyadh': 'Jeddah Mecca',
  'Asia/Seoul': 'KST Busan',
  'Asia/Shanghai': 'Beijing Peking Shenzhen Guangzhou Hangzhou Nanjing Wuhan Chengdu Tianjin',
  'Asia/Singapore': 'SGT',
  'Asia/Taipei': 'Kaohsiung',
  'Asia/Tokyo': 'JST Osaka Kyoto Nagoya Yokohama Sapporo Fukuoka',
  'Australia/Brisbane': 'AEST Gold_Coast',
  'Australia/Sydney': 'AEST AEDT',
  'Etc/UTC': 'GMT Coordinated_Universal_Time',
  'Europe/Amsterdam': 'Rotterdam The_Hague Utrecht Eindhoven',
  'Europe/Athens': 'EET EEST Thessaloniki',
  'Europe/Berlin': 'CET CEST Munich Hamburg Frankfurt Cologne Stuttgart Dusseldorf Leipzig Dresden Hanover Nuremberg',
  'Europe/Brussels': 'CET CEST Antwerp Ghent',
  'Europe/Bucharest': 'EET EEST Cluj',
  'Europe/Dublin': 'Cork Galway',
  'Europe/Helsinki': 'EET EEST Espoo Tampere Turku',
  'Europe/Istanbul': 'TRT Ankara Izmir',
  'Europe/Kyiv': 'EET EEST Lviv Odessa Odesa Kharkiv Dnipro',
  'Europe/Lisbon': 'WET WEST Porto',
  'Europe/London': 'GMT BST Manchester Birmingham Edinburgh Glasgow Liverpool Bristol Leeds Cardiff Cambridge Oxford',
  'Europe/Madrid': 'CET CEST Barcelona Valencia Seville Bilbao',
  'Europe/Moscow': 'MSK Saint_Petersburg',
  'Europe/Oslo': 'Bergen Trondheim',
  'Europe/Paris': 'CET CEST Lyon Marseille Toulouse Nice Bordeaux Lille Strasbourg',
  'Europe/Prague': 'Brno',
  'Europe/Riga': 'EET EEST',
  'Europe/Rome': 'CET CEST Milan Naples Turin Florence Bologna Venice',
  'Europe/Stockholm': 'Gothenburg Malmo',
  'Europe/Tallinn': 'Tartu',
  'Europe/Warsaw': 'CET CEST Krakow Gdansk Wroclaw Poznan Lodz',
  'Europe/Zurich': 'Geneva Basel Bern Lausanne',
  'Pacific/Auckland': 'NZST NZDT Wellington Christchurch',
  'Pacific/Honolulu': 'Hawaii',
};

const plain = (s) => s.normalize('NFKD').replace(/[^\x00-\x7f]/g, '').toLowerCase().replaceAll(/[_/]/g, ' ');

// Offsets from UTC in minutes: "utc+2", "GMT -03:30", "+5".
function offsetIn(text) {
  const m = /^(?:utc|gmt)?\s*([+-\u2212])\s*(\d{1,2})(?::?([0-5]\d))?$/i.exec(text.trim());
  if (!m) return null;
  const minutes = Number(m[2]) * 60 + Number(m[3] || 0);
  return m[1] === '+' ? minutes : -minutes;
}

// The present offset of a zone in minutes, null where the browser does not know the zone.
function offsetOf(zone, now) {
  try {
    const name = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts(now).find((p) => p.type === 'timeZoneName').value;
    return offsetIn(name) ?? 0; // "GMT"
  } catch {
    return null;
  }
}

const written = (minutes) => `UTC${minutes < 0 ? '\u2212' : '+'}${Math.floor(Math.abs(minutes) / 60)}${minutes % 60 ? `:${String(Math.abs(minutes) % 60).padStart(2, '0')}` : ''}`;

// The zones whose names have their sign the other way round, and what they mean.
export function meaning(zone) {
  const m = /^Etc\/GMT([+-])(\d+)$/.exec(zone);
  if (!m || m[2] === '0') return '';
  return `${written(Number(m[2]) * (m[1] === '+' ? -60 : 60))} all year`;
}

// How a zone may fit a word that was typed, the best first: a word of its name begins with it, it is another word for the
// zone, it begins one, it stands anywhere in the name.
const fits = [
  (entry, word) => entry.names.some((n) => n.startsWith(word)),
  (entry, word) => entry.also.includes(word),
  (entry, word) => entry.also.some((n) => n.startsWith(word)),
  (entry, word) => entry.name.includes(word),
];

// How well a zone fits all the words, 0 the best; null: not at all.
function rankOf(entry, typed) {
  let rank = 0;
  for (const word of typed) {
    const how = fits.findIndex((fit) => fit(entry, word));
    if (how < 0) return null;
    rank += how;
  }
  return rank;
}

// zoneFinder returns a function that finds zones, the best first, for what was typed: all of them for nothing. zones are
// the names in the order in which they are offered.
export function zoneFinder(zones) {
  const entries = zones.map((zone) => {
    const name = plain(zone);
    const also = `${renamed[zone] || ''} ${words[zone] || ''}`.split(' ').filter(Boolean).map(plain);
    return { zone, name, names: name.split(' '), also: also.flatMap((n) => [n, ...n.split(' ')]) };
  });
  return (text, now = new Date()) => {
    const offset = offsetIn(text);
    if (offset !== null) {
      const same = entries.filter((e) => offsetOf(e.zone, now) === offset).map((e) => e.zone);
      return same.sort((a, b) => Boolean(meaning(b)) - Boolean(meaning(a)));
    }
    const whole = plain(text).trim();
    const typed = whole.split(/\s+/).filter(Boolean);
    return entries
      .map((e) => ({ zone: e.zone, rank: e.also.includes(whole) || e.name === whole ? -1 : rankOf(e, typed) }))
      .filter((e) => e.rank !== null)
      .sort((a, b) => a.rank - b.rank)
      .map((e) => e.zone);
  };
}
