// Writes static/img/icons.svg: one <symbol id="i-NAME"> for each name in icons.txt, drawn from Tabler Icons (MIT).
//   npm install --prefix /tmp/icons @tabler/icons@3.51.0 && node static/build/sprite.mjs /tmp/icons/node_modules/@tabler/icons
import { readFileSync, writeFileSync } from 'node:fs';

const here = new URL('.', import.meta.url);
const source = process.argv[2];
if (!source) {
  console.error('usage: node sprite.mjs DIRECTORY-OF-@tabler/icons');
  process.exit(2);
}
const names = readFileSync(new URL('icons.txt', here), 'utf8').split('\n').filter(Boolean);
const symbols = names.map((name) => {
  const svg = readFileSync(`${source}/icons/outline/${name}.svg`, 'utf8');
  const paths = [...svg.matchAll(/<(path|circle|rect|line|polyline)\b[^>]*\/>/g)]
    .map((m) => m[0].replace(/\s*\/>$/, '/>'))
    .filter((p) => !p.includes('M0 0h24v24H0z'));
  return `<symbol id="i-${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round">${paths.join('')}</symbol>`;
});
const { version } = JSON.parse(readFileSync(`${source}/package.json`, 'utf8'));
const note = `<!-- Tabler Icons ${version}, MIT, https://tabler.io/icons; made by static/build/sprite.mjs -->`;
writeFileSync(new URL('../img/icons.svg', here), `${note}\n<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join('\n')}\n</svg>\n`);
console.log(`${symbols.length} icons`);
