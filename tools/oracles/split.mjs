// Cuts texts by a regular expression with JavaScript's engine, keeping what lies between matches:
// node tools/oracles/split.mjs PATTERN TEXTS_JSON > PIECES_JSON
// TEXTS_JSON is an array of strings, PIECES_JSON an array of arrays of them. The pattern is one of the published ones; what
// JavaScript writes or means in another way is rewritten first: inline case folding, possessive quantifiers, white space, needless escapes.
import { readFileSync } from 'node:fs';

const space = String.raw`\t-\r \x85\xA0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000`;

function translated(pattern) {
  const plain = pattern
    .replaceAll(String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)`, `(?:'[sSſ]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])`)
    .replaceAll(String.raw`'(?i:[sdmt]|ll|ve|re)`, `'(?:[sSſdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])`)
    .replace(/\\(["#%&~])/g, '$1')
    .replaceAll('?+', '?').replaceAll('++', '+')
    .replaceAll(String.raw`[^(\s|[.,!?…。，、।۔،])]`, String.raw`[^(\s|.,!?…。，、।۔،)]`);
  let inClass = false;
  return plain.replace(/\\.|[[\]]/gsu, part => {
    inClass = part === '[' ? true : part === ']' ? false : inClass;
    return part === String.raw`\s` ? (inClass ? space : `[${space}]`)
      : part === String.raw`\S` ? `[^${space}]`
      : part === String.raw`\w` ? (inClass ? wordClass : `[${wordClass}]`)
      : part;
  });
}

const wordClass = String.raw`\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200C\u200D`;
const [pattern, file] = process.argv.slice(2);
const regex = new RegExp(translated(pattern), 'gu');
const pieces = JSON.parse(readFileSync(file, 'utf8')).map(text => {
  const cut = [];
  let end = 0;
  for (const match of text.matchAll(regex)) {
    if (match.index > end) cut.push(text.slice(end, match.index));
    cut.push(match[0]);
    end = match.index + match[0].length;
  }
  if (end < text.length) cut.push(text.slice(end));
  return cut;
});
process.stdout.write(JSON.stringify(pieces));
