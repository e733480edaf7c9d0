// node tools/oracles/render-chat.js FOLDER FILE: renders chat templates with @huggingface/jinja from FOLDER/node_modules, for comparison. FILE holds
// [{"template": TEXT, "variables": {...}}] and its output is [{"text": ...} or {"error": ...}].
const { createRequire } = require("module");
const path = require("path");
const { Template } = createRequire(path.join(path.resolve(process.argv[2]), "package.json"))("@huggingface/jinja");

function render({ template, variables }) {
  try {
    return { text: new Template(template).render(variables) };
  } catch (error) {
    return { error: String(error.message) };
  }
}

const requests = JSON.parse(require("fs").readFileSync(process.argv[3], "utf8"));
process.stdout.write(JSON.stringify(requests.map(render)));
