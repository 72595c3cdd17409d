// Cuts Inter into the two files of static/fonts: what English needs, which the first page fetches, and the other letters
// of western Europe, which a page fetches that has one (unicode-range in css/tokens.css). Weights 400 to 700.
//
//   npm install --prefix /tmp/fonts @fontsource-variable/inter@5.3.0 subset-font@2
//   node static/build/fonts.cjs /tmp/fonts/node_modules
const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const modules = process.argv[2];
const subset = require(join(modules, 'subset-font'));
const whole = readFileSync(join(modules, '@fontsource-variable/inter/files/inter-latin-wght-normal.woff2'));
const range = (from, to) => String.fromCodePoint(...Array.from({ length: to - from + 1 }, (_, i) => from + i));

const basic = range(0x20, 0x7e) + '\u00a0·×–—‘’“”•…←↑→↓−';
const files = { inter: basic, 'inter-latin': [...range(0xa1, 0xff) + 'ıŒœ‚„†‹›€™'].filter((c) => !basic.includes(c)).join('') };

for (const [name, text] of Object.entries(files)) {
  subset(whole, text, {
    targetFormat: 'woff2', noHinting: true, keepFeatures: ['kern', 'tnum', 'cv11', 'ss03', 'ccmp'],
    variationAxes: { wght: { min: 400, max: 700, default: 400 } },
  }).then((font) => writeFileSync(join(__dirname, `../fonts/${name}.woff2`), font));
}
