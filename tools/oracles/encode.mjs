// Encodes and decodes texts with @huggingface/tokenizers, which npm.sh fetches:
// node tools/oracles/encode.mjs FOLDER TOKENIZER_JSON TEXTS_JSON > RESULTS_JSON
// TEXTS_JSON is an array of strings; each result has ids, with_special and, of the latter, decoded and decoded_skip_special.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, file, texts] = process.argv.slice(2);
const { Tokenizer } = await import(pathToFileURL(resolve(join(folder, 'node_modules/@huggingface/tokenizers/dist/tokenizers.mjs'))));
const tokenizer = new Tokenizer(JSON.parse(readFileSync(file, 'utf8')), { clean_up_tokenization_spaces: false });
const decode = (ids, skip) => ids.length === 0 ? '' : tokenizer.decode(ids, { skip_special_tokens: skip });
const results = JSON.parse(readFileSync(texts, 'utf8')).map(text => {
  const withSpecial = tokenizer.encode(text).ids;
  return {
    ids: tokenizer.encode(text, { add_special_tokens: false }).ids,
    with_special: withSpecial,
    decoded: decode(withSpecial, false),
    decoded_skip_special: decode(withSpecial, true),
  };
});
process.stdout.write(JSON.stringify(results));
