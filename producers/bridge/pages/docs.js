// SPDX-License-Identifier: Apache-2.0
// Renders /openapi.json. Only textContent is ever set: nothing that is read can become markup.
"use strict";

const make = (tag, text, parent) => {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (parent) parent.append(node);
  return node;
};

const resolve = (doc, node) => {
  while (node && node.$ref) {
    node = node.$ref.slice(2).split("/").reduce((at, key) => at[key.replace("~1", "/")], doc);
  }
  return node || {};
};

const typeOf = (doc, schema) => {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((v) => JSON.stringify(v)).join(" | ");
  if (schema.oneOf && !schema.properties) return schema.oneOf.map((s) => typeOf(doc, s)).join(" | ");
  const type = Array.isArray(schema.type) ? schema.type.join(" | ") : schema.type || "any";
  return schema.items ? `${type} of ${typeOf(doc, schema.items)}` : type;
};

const table = (parent, head, rows) => {
  const t = make("table", undefined, parent);
  const first = make("tr", undefined, make("thead", undefined, t));
  head.forEach((text) => make("th", text, first));
  const body = make("tbody", undefined, t);
  rows.forEach((cells) => {
    const row = make("tr", undefined, body);
    cells.forEach((text, i) => make(i === 0 ? "code" : "span", text, make("td", undefined, row)));
  });
};

const members = (doc, schema, parent) => {
  const all = resolve(doc, schema);
  if (!all.properties) return;
  const required = new Set(all.required || []);
  table(parent, ["member", "type", ""], Object.entries(all.properties).map(([name, s]) => [
    name + (required.has(name) ? " *" : ""), typeOf(doc, s),
    s.description || resolve(doc, s).description || ""]));
};

const send = async (method, path, op, inputs, body, out) => {
  const headers = {};
  const query = new URLSearchParams();
  const key = document.getElementById("key").value;
  if (key && op.security) headers.Authorization = `Bearer ${key}`;
  for (const [parameter, input] of inputs) {
    if (!input.value) continue;
    if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (parameter.in === "query") query.set(parameter.name, input.value);
    else headers[parameter.name] = input.value;
  }
  if (body) headers["Content-Type"] = "application/json";
  out.textContent = "…";
  try {
    const answer = await fetch(path + (query.size ? `?${query}` : ""),
      { method: method.toUpperCase(), headers, body: body ? body.value : undefined });
    const text = await answer.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: as it is */ }
    out.textContent = `${answer.status} ${answer.statusText}\n\n${shown}`;
  } catch (error) {
    out.textContent = String(error);
  }
};

const tryIt = (doc, method, path, op, parent) => {
  make("h3", "Try it", parent);
  const inputs = (op.parameters || []).map((p) => {
    const label = make("label", `${p.name} (${p.in})`, parent);
    const input = make("input", undefined, label);
    input.spellcheck = false;
    return [p, input];
  });
  const content = op.requestBody && op.requestBody.content["application/json"];
  let body = null;
  if (content) {
    const label = make("label", "body", parent);
    body = make("textarea", undefined, label);
    body.rows = 6;
    body.spellcheck = false;
    const example = Object.values(content.examples || {})[0];
    body.value = example ? JSON.stringify(example.value, null, 2) : "{}";
  }
  const button = make("button", "Send", parent);
  const out = make("pre", "", parent);
  button.addEventListener("click", () => send(method, path, op, inputs, body, out));
};

const operation = (doc, method, path, op, parent) => {
  const box = make("details", undefined, parent);
  const head = make("summary", undefined, box);
  make("span", method.toUpperCase(), head).className = "method";
  make("code", path, head);
  make("span", ` — ${op.summary || ""}`, head);
  if (op.description) make("p", op.description, box);
  if (op.parameters) {
    make("h3", "Parameters", box);
    table(box, ["name", "in", ""], op.parameters.map((p) => [
      p.name + (p.required ? " *" : ""), p.in, p.description || ""]));
  }
  if (op.requestBody) {
    make("h3", "Body", box);
    members(doc, op.requestBody.content["application/json"].schema, box);
  }
  make("h3", "Answers", box);
  table(box, ["status", "what", ""], Object.entries(op.responses).map(([status, r]) => {
    const answer = resolve(doc, r);
    const content = Object.entries(answer.content || {})[0];
    return [status, content ? `${content[0]}: ${typeOf(doc, content[1].schema || {})}` : "", answer.description];
  }));
  tryIt(doc, method, path, op, box);
};

const show = (doc) => {
  const main = document.getElementById("operations");
  document.getElementById("summary").textContent = doc.info.description;
  for (const tag of doc.tags) {
    make("h2", tag.name, main);
    make("p", tag.description, main);
    for (const [path, item] of Object.entries(doc.paths)) {
      for (const [method, op] of Object.entries(item)) {
        if ((op.tags || []).includes(tag.name)) operation(doc, method, path, op, main);
      }
    }
  }
  make("h2", "records", main);
  for (const [name, schema] of Object.entries(doc.components.schemas)) {
    const box = make("details", undefined, main);
    make("summary", name, box);
    if (schema.description) make("p", schema.description, box);
    members(doc, schema, box);
    make("pre", JSON.stringify(schema, null, 2), box);
  }
};

fetch("/openapi.json")
  .then((answer) => answer.json())
  .then(show)
  .catch((error) => { document.getElementById("summary").textContent = `The description could not be read: ${error}`; });
