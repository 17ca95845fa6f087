"use strict";
// What the page does. Text of tests is only ever set as text. Functions above `start` need no browser.
const FLAGS = [["flaky", 1], ["leaks", 2], ["order-dependent", 4], ["slow", 8]];

function expand(core) {
  const t = core.tests, count = t.n.length, start = new Float64Array(count), end = new Float64Array(count);
  let at = 0;
  for (let i = 0; i < count; i++) { at += t.s[i]; start[i] = at; end[i] = at + t.d[i]; }
  return { core, t, count, start, end, lower: [] };
}
const idOf = (run, i) => run.core.files[run.t.f[i]] + (run.t.n[i] ? "::" + run.t.n[i] : "");
function lowerOf(run, i) { return run.lower[i] ??= idOf(run, i).toLowerCase(); }

// wanted: {text, phase, file, outcomes: Set, flag}; numbers below 0 and empty sets mean all
function filter(run, wanted) {
  const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean), found = [];
  for (let i = 0; i < run.count; i++) {
    if (wanted.phase >= 0 && run.t.p[i] !== wanted.phase) continue;
    if (wanted.file >= 0 && run.t.f[i] !== wanted.file) continue;
    if (wanted.outcomes.size && !wanted.outcomes.has(run.t.o[i])) continue;
    if (wanted.flag && !(run.t.x[i] & wanted.flag)) continue;
    if (words.length && !words.every((word) => lowerOf(run, i).includes(word))) continue;
    found.push(i);
  }
  return found;
}

// Failures first: outcomes are numbered in the order in which a reader looks for them, then what has a mark.
function order(run, list, how) {
  const { o, d, x } = run.t;
  if (how === "slowest") return list.sort((a, b) => d[b] - d[a] || a - b);
  if (how === "start") return list.sort((a, b) => run.start[a] - run.start[b] || a - b);
  if (how === "plan") return list;
  return list.sort((a, b) => o[a] - o[b] || (x[b] > 0) - (x[a] > 0) || a - b);
}

function took(ms) {
  if (ms < 9995) return (ms / 1000).toFixed(ms < 100 ? 3 : 2) + " s";
  const s = Math.round(ms / 1000);
  return s < 60 ? (ms / 1000).toFixed(1) + " s" : s < 3600 ? `${Math.floor(s / 60)} m ${String(s % 60).padStart(2, "0")} s`
    : `${Math.floor(s / 3600)} h ${String(Math.floor(s / 60) % 60).padStart(2, "0")} m`;
}

// What hides, reorders or cannot be seen is spelled out.
const UNSEEN = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
function plain(text) {
  return text.replace(UNSEEN, (c) => { const n = c.charCodeAt(0); return n < 256 ? "\\x" + n.toString(16).padStart(2, "0") : "\\u" + n.toString(16).padStart(4, "0"); });
}
const oneLine = (text) => plain(text).replace(/\n/g, "\\n").replace(/\t/g, "\\t");

// [[classes, text]] of a text with colours as terminals have them; other sequences are spelled out.
function ansi(text) {
  const parts = [];
  let color = "", bold = false, last = 0;
  const put = (piece) => { if (piece) parts.push([[color, bold ? "b" : ""].filter(Boolean).join(" "), plain(piece)]); };
  for (const found of text.matchAll(/\x1b\[([\d;]*)m/g)) {
    put(text.slice(last, found.index));
    last = found.index + found[0].length;
    for (const code of found[1].split(";").map(Number)) {
      if (code === 0) { color = ""; bold = false; } else if (code === 1) bold = true; else if (code === 22) bold = false;
      else if (code === 39) color = ""; else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) color = "c" + (code % 10);
    }
  }
  put(text.slice(last));
  return parts;
}

function lineClass(line) {
  const said = /^E\s{3}(\s*)([+?-])?/.exec(line);
  if (said) return said[2] === "+" ? "plus" : said[2] === "-" ? "minus" : said[2] === "?" ? "mark" : "e";
  return /^\S+:\d+: /.test(line) || /^\s*File "/.test(line) ? "at" : "";
}

// Everything that took time, by lane: [{lane, s, e, test, outcome, attempt, command}], and the lanes with their names.
function bars(run) {
  const { core, t } = run, lanes = [], all = [], of = new Map();
  const lane = (phase, slot) => {
    const key = phase + "/" + slot;
    if (!of.has(key)) { of.set(key, { phase, slot, name: "", bars: [], spans: [] }); lanes.push(of.get(key)); }
    return of.get(key);
  };
  core.phases.forEach((phase, p) => phase.commands.forEach((c) => {
    if (c[3] !== null) lane(p, -1).bars.push({ s: c[3], e: c[3] + c[4], test: -1, outcome: c[2] === 0 && !c[6] ? -1 : 0, text: c[0] + ": " + c[1] });
  }));
  for (const p of core.processes) {
    const at = core.lanes[p[1]];
    for (let w = 0; w < p[6]; w++) lane(at[0], at[1] + w).spans.push({ s: p[2], e: p[2] + p[3], name: p[0], status: p[4] }); // its workers' slots too
  }
  for (let i = 0; i < run.count; i++) if (t.k[i] >= 0) { const at = core.lanes[t.k[i]]; lane(at[0], at[1]).bars.push({ s: run.start[i], e: run.end[i], test: i, outcome: t.o[i], attempt: 0 }); }
  for (const e of core.earlier) { const at = core.lanes[e[5]]; lane(at[0], at[1]).bars.push({ s: e[3], e: e[3] + e[4], test: e[0], outcome: e[2], attempt: e[1], waits: run.start[e[0]] }); }
  lanes.sort((a, b) => a.phase - b.phase || a.slot - b.slot);
  for (const l of lanes) {
    l.name = core.phases[l.phase].name + (l.slot < 0 ? " commands" : " " + l.slot);
    l.bars.sort((a, b) => a.s - b.s);
    l.spans.sort((a, b) => a.s - b.s);
    for (const b of l.bars) all.push(b);
  }
  let from = Infinity, to = 0;
  for (const l of lanes) for (const b of [...l.spans.slice(0, 1), ...l.bars.slice(0, 1)]) from = Math.min(from, b.s);
  for (const l of lanes) for (const list of [l.spans, l.bars]) for (const b of list) to = Math.max(to, b.e);
  return { lanes, from: Math.min(0, from), to: Math.max(to, 1), count: all.length };
}

// What to paint of a lane, one rectangle a pixel at most: where several fall on one, the worst is seen.
function rectangles(list, from, scale, width) {
  const out = [];
  let open = null;
  for (const b of list) {
    const x = (b.s - from) * scale, w = Math.max((b.e - b.s) * scale, 1);
    if (x > width || x + w < 0) continue;
    if (open && w <= 1.5 && Math.floor(x) === Math.floor(open.x) && open.w <= 1.5) {
      if (b.outcome < open.outcome) open.outcome = b.outcome;
      continue;
    }
    open = { x, w, outcome: b.outcome };
    out.push(open);
  }
  return out;
}

const quoted = (word) => /^[\w@%+=:,./-]+$/.test(word) ? word : "'" + word.replace(/'/g, "'\"'\"'") + "'";

async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

if (typeof module !== "undefined") module.exports = { expand, idOf, filter, order, took, plain, ansi, lineClass, bars, rectangles, quoted, inflate };

async function start() {
  const $ = (id) => document.getElementById(id);
  const el = (tag, props = {}, ...inside) => {
    const e = document.createElement(tag);
    for (const [key, value] of Object.entries(props)) if (key in e && key !== "list") e[key] = value; else e.setAttribute(key, value);
    e.append(...inside.filter((x) => x !== null));
    return e;
  };
  if (typeof DecompressionStream === "undefined") {
    $("static").prepend(el("p", { className: "banner" }, "This browser cannot unpack the data of the page. Here is what it shows without them."));
    return;
  }
  const blobs = $("data").textContent.trim().split("\n");
  const core = await inflate(blobs[0]), run = expand(core), { t } = run, chunks = new Map();
  const detailOf = async (i) => {
    if (!t.c[i]) return null;
    const n = t.c[i] - 1, k = Math.floor(n / 200);
    if (!chunks.has(k)) chunks.set(k, inflate(blobs[k + 1]));
    return (await chunks.get(k))[n % 200];
  };
  const outcome = (o) => core.outcomes[o];
  const wanted = { text: "", phase: -1, file: -1, outcomes: new Set(), flag: 0 };
  let how = "failures", shown = [], at = -1, opened = -1, view = "tests";
  const app = $("app");

  // ---- the head
  const r = core.run, proof = core.proof, n = (x) => x.toLocaleString("en");
  const head = el("header", {},
    el("span", { className: "verdict is-" + r.verdict.split(" ")[0] }, r.verdict),
    el("h1", {}, oneLine(r.plan || "run")),
    el("span", { className: "soft" }, `${took(r.wall)} · ${r.at > 0 ? new Date(r.at).toLocaleString() : ""} · run ${oneLine(r.id)}`),
    el("span", { id: "proof", className: "soft" }, `${n(proof.planned)} planned = ${n(run.count)} shown; ${n(proof.with_outcome)} have run` + (proof.left ? `; details of ${n(proof.left)} left out for size` : "")));
  const banner = (text, bad) => el("div", { className: "banner" + (bad ? " bad" : ""), role: "status" }, text);
  const banners = [];
  if (r.goes_on) banners.push(banner(`The run goes on. This was written at ${new Date(r.written).toLocaleTimeString()}; load the page again to see more.`));
  else if (!r.finished) banners.push(banner("The runner did not come to its end. This is how far the run has come.", true));
  if (r.signal) banners.push(banner(`Interrupted by ${r.signal}.`, true));
  if (proof.planned !== run.count || proof.violations.length) banners.push(banner(`The books do not balance: ${proof.violations.map(oneLine).join("; ") || "tests are missing here"}`, true));
  const troubles = core.problems.length + core.collect_errors.length;
  if (troubles) banners.push(banner(`${troubles} problem${troubles > 1 ? "s" : ""} beside the tests: see Run.`, true));

  // ---- views
  const tabs = {}, bar = el("div", { className: "bar", role: "tablist", "aria-label": "Views" });
  const pages = { tests: el("div", { className: "panes" }), timeline: el("div", { className: "page" }), lists: el("div", { className: "page" }), run: el("div", { className: "page" }) };
  const names = { tests: "Tests", timeline: "Timeline", lists: "Slow, flaky, leaking", run: "Run" };
  for (const key of Object.keys(pages)) {
    pages[key].id = "view-" + key; pages[key].setAttribute("role", "tabpanel"); pages[key].setAttribute("aria-labelledby", "tab-" + key);
    tabs[key] = el("button", { id: "tab-" + key, role: "tab", "aria-controls": "view-" + key, onclick: () => go(key) }, names[key]);
    bar.append(tabs[key]);
  }
  bar.onkeydown = (e) => {
    const keys = Object.keys(pages), step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (step) { go(keys[(keys.indexOf(view) + step + keys.length) % keys.length]); tabs[view].focus(); }
  };
  const search = el("input", { type: "search", placeholder: "Search (press /)", "aria-label": "Search in test ids" });
  search.oninput = () => { wanted.text = search.value; update(); };
  const select = (label, options, change) => {
    const s = el("select", { "aria-label": label }, ...options.map(([value, text]) => el("option", { value }, text)));
    s.onchange = () => { change(s.value); update(); };
    return s;
  };
  const phases = select("Phase", [[-1, "All phases"], ...core.phases.map((p, i) => [i, oneLine(p.name)])], (v) => wanted.phase = +v);
  const byName = core.files.map((f, i) => [i, oneLine(f)]).sort((a, b) => a[1] < b[1] ? -1 : 1);
  const files = select("File", [[-1, "All files"], ...byName], (v) => wanted.file = +v);
  const sorts = select("Order", [["failures", "Failures first"], ["slowest", "Slowest first"], ["start", "By start"], ["plan", "As planned"]], (v) => how = v);
  const filters = el("div", { className: "bar filters", role: "search" }, search, phases, files, sorts);
  const chip = (text, cls, toggle) => {
    const b = el("button", { className: cls, "aria-pressed": "false" }, text);
    b.onclick = () => { b.setAttribute("aria-pressed", String(toggle())); update(); };
    filters.append(b);
    return b;
  };
  const chips = core.outcomes.map(([value, label, , count], i) => count ? chip(`${n(count)} ${label}`, value, () => wanted.outcomes.delete(i) ? false : !!wanted.outcomes.add(i)) : null);
  const marked = FLAGS.map(([, flag]) => { let c = 0; for (let i = 0; i < run.count; i++) if (t.x[i] & flag) c++; return c; });
  FLAGS.forEach(([name, flag], i) => { if (marked[i]) chip(`${n(marked[i])} ${name}`, "", () => ((wanted.flag ^= flag) & flag) !== 0); });
  const said = el("span", { className: "soft", role: "status" });
  filters.append(said);

  // ---- the list: only the rows in sight exist
  const H = 30, list = el("div", { id: "list", role: "listbox", tabIndex: 0, "aria-label": "Tests" }), room = el("div"), detail = el("section", { id: "detail", hidden: true, tabIndex: -1, "aria-label": "Test" });
  list.append(room);
  pages.tests.append(list, detail);
  const row = (place) => {
    const i = shown[place], [value, label] = outcome(t.o[i]);
    const e = el("div", { className: "row", id: "row" + place, role: "option", "aria-selected": String(place === at), "aria-setsize": shown.length, "aria-posinset": place + 1, onclick: () => { at = place; open(i); } },
      el("span", { className: "what " + value }, label),
      el("span", { className: "name", title: oneLine(idOf(run, i)) }, el("span", {}, oneLine(core.files[t.f[i]]) + (t.n[i] ? "::" : "")), el("span", {}, oneLine(t.n[i]))),
      ...FLAGS.filter(([, flag]) => t.x[i] & flag).map(([name]) => el("span", { className: "tag" }, name)),
      el("span", { className: "took soft" }, t.k[i] < 0 ? "" : took(t.d[i])));
    e.style.top = place * H + "px";
    return e;
  };
  let drawn = "";
  const draw = (force) => {
    const first = Math.max(0, Math.floor(list.scrollTop / H) - 12), last = Math.min(shown.length, first + Math.ceil((list.clientHeight || 800) / H) + 24);
    if (!force && drawn === first + "-" + last) return;
    drawn = first + "-" + last;
    const rows = [];
    for (let place = first; place < last; place++) rows.push(row(place));
    room.replaceChildren(...rows);
    list.setAttribute("aria-activedescendant", at >= first && at < last ? "row" + at : "");
  };
  list.onscroll = () => draw(false);
  addEventListener("resize", () => { draw(true); if (view === "timeline") paint(); });
  const update = () => {
    const keep = at >= 0 ? shown[at] : -1;
    shown = order(run, filter(run, wanted), how);
    at = shown.indexOf(keep);
    room.style.height = shown.length * H + "px";
    said.textContent = shown.length === run.count ? "" : `${n(shown.length)} of ${n(run.count)}`;
    draw(true);
  };
  const move = (to) => {
    if (!shown.length) return;
    at = Math.max(0, Math.min(shown.length - 1, to));
    if (at * H < list.scrollTop) list.scrollTop = at * H;
    if ((at + 1) * H > list.scrollTop + list.clientHeight) list.scrollTop = (at + 1) * H - list.clientHeight;
    draw(true);
    if (opened >= 0 && !detail.hidden) open(shown[at], false);
  };

  // ---- one test
  const block = (text) => {
    const pre = el("pre");
    text.split("\n").forEach((line, k) => {
      const cls = lineClass(line), parts = ansi(line).map(([c, s]) => c ? el("span", { className: c }, s) : s);
      if (k) pre.append("\n");
      if (cls) pre.append(el("span", { className: cls }, ...parts)); else pre.append(...parts);
    });
    return pre;
  };
  const again = (command) => el("div", { className: "again" }, el("pre", {}, plain(command)), el("button", { onclick: (e) => { navigator.clipboard?.writeText(command); e.target.textContent = "Copied"; } }, "Copy"));
  const attempt = (a, several) => [
    several ? el("h3", { className: outcome(a.o)[0] }, `Attempt ${a.n}: ${outcome(a.o)[1]}`) : null,
    el("div", { className: "soft" }, `began ${took(Math.max(0, a.t[0]))} into the run, took ${took(a.t[1])}` + (a.p ? `, process ${oneLine(a.p)}` : "") + (a.w ? `, worker ${oneLine(a.w)}` : "") + `, slot ${a.s}`),
    ...a.d.flatMap(([when, label, message, text]) => [el("h3", {}, when === "runner" ? label : `${label} in ${when}`), text && text.includes(message) ? null : block(message), text ? block(text) : null]),
    ...(a.l.length ? [el("h3", {}, "Left behind"), el("ul", {}, ...a.l.map(([kind, what, where]) => el("li", {}, plain(`${kind}: ${what}` + (where ? `; made at ${where}` : "")))))] : []),
    ...a.x.map(([key, value]) => el("div", { className: "soft" }, oneLine(`${key} = ${value}`))),
    ...a.c.map(([name, content]) => el("details", { open: content.length < 4000 }, el("summary", {}, oneLine(name)), block(content)))];
  const open = async (i, focus = true) => {
    opened = i;
    const d = await detailOf(i);
    if (opened !== i) return;
    const [value, label] = outcome(t.o[i]), file = core.at[i]?.[0] ?? core.files[t.f[i]];
    const parts = d ? d.a.flatMap((a) => attempt(a, d.a.length > 1)).filter(Boolean) : [];
    for (let k = 1; d && k < d.a.length; k++) { const gap = d.a[k].t[0] - d.a[k - 1].t[0] - d.a[k - 1].t[1]; parts.push(el("div", { className: "soft" }, `Attempt ${d.a[k].n} waited ${took(Math.max(0, gap))} after attempt ${d.a[k - 1].n}.`)); }
    const list = [
      el("button", { className: "back", onclick: close }, "← All tests"),
      el("h2", {}, oneLine(idOf(run, i))),
      el("div", {}, el("b", { className: value }, label), el("span", { className: "soft" }, ` · ${oneLine(file)}:${t.l[i]} · phase ${oneLine(core.phases[t.p[i]].name)}` + (t.k[i] < 0 ? "" : " · " + took(t.d[i])))),
      core.reasons[t.r[i]] ? el("p", {}, plain(core.reasons[t.r[i]])) : null,
      d?.note ? el("p", { className: "e" }, oneLine(d.note)) : null,
      d?.slow ? el("p", {}, `Slow: at ${took(d.slow[0] * 1000)} it was at ${oneLine(d.slow[1])}`) : null,
      ...parts,
      !d && outcome(t.o[i])[2] ? el("p", {}, "Its details are left out for the size of the page. The journal has them: async-test-run report -v") : null,
      d?.before.length ? el("details", {}, el("summary", {}, "Tests that ran before it"), el("pre", {}, d.before.map(oneLine).join("\n"))) : null,
      el("h3", {}, "Run it again"), again(d?.again ?? r.again + quoted(idOf(run, i)))];
    detail.replaceChildren(...list.filter(Boolean));
    detail.hidden = false;
    detail.scrollTop = 0;
    pages.tests.classList.add("open");
    if (focus && matchMedia("(max-width:50rem)").matches) detail.focus();
    remember();
    draw(true);
  };
  const close = () => { opened = -1; detail.hidden = true; pages.tests.classList.remove("open"); remember(); draw(true); list.focus(); };

  // ---- where the reader is stands in the address
  const remember = () => {
    let hash = view === "tests" ? "" : view;
    if (view === "tests" && opened >= 0) try { hash = "test=" + encodeURIComponent(idOf(run, opened)); } catch { hash = "number=" + opened; }
    if (decodeURI(location.hash.slice(1)) !== hash) history.replaceState(null, "", "#" + hash);
  };
  const follow = () => {
    const [key, value] = location.hash.slice(1).split("=");
    if (key === "test" || key === "number") {
      let i = -1;
      if (key === "number") i = +value; else try { const id = decodeURIComponent(value); for (let k = 0; k < run.count; k++) if (idOf(run, k) === id) { i = k; break; } } catch { return; }
      if (!(i >= 0 && i < run.count)) { said.textContent = "No such test in this run."; return; }
      go("tests"); at = shown.indexOf(i); if (at >= 0) move(at); open(i);
    } else if (pages[key]) go(key);
  };
  const jump = (i) => { const link = el("a", { href: "#" }, oneLine(idOf(run, i))); link.onclick = (e) => { e.preventDefault(); go("tests"); at = shown.indexOf(i); if (at >= 0) move(at); open(i); }; return link; };

  const ready = {};
  const go = (key) => {
    view = key;
    for (const k of Object.keys(pages)) { pages[k].hidden = k !== key; pages[k].style.display = k === key ? "" : "none"; tabs[k].setAttribute("aria-selected", String(k === key)); tabs[k].tabIndex = k === key ? 0 : -1; }
    filters.style.display = key === "tests" ? "" : "none";
    if (!ready[key]) { ready[key] = true; ({ timeline: makeTimeline, lists: makeLists, run: makeRun }[key] ?? (() => { }))(); }
    if (key === "timeline") paint(); else draw(true);
    remember();
  };

  // ---- lists
  const table = (title, heads, rows) => [el("h2", {}, title), rows.length ? el("table", {}, el("thead", {}, el("tr", {}, ...heads.map((h) => el("th", { scope: "col" }, h)))), el("tbody", {}, ...rows.map((cells) => el("tr", {}, ...cells.map((c, k) => el("td", { className: typeof c === "string" && /^[\d.]+ [smh]/.test(c) ? "num" : "" }, c)))))) : el("p", { className: "soft" }, "None.")];
  const makeLists = () => {
    const every = Array.from({ length: run.count }, (_, i) => i), with_ = (flag) => every.filter((i) => t.x[i] & flag).slice(0, 500);
    pages.lists.append(...table("Slowest tests", ["Time", "Test"], order(run, every.filter((i) => t.k[i] >= 0), "slowest").slice(0, 25).map((i) => [took(t.d[i]), jump(i)])),
      ...FLAGS.flatMap(([name, flag], k) => table(`${name[0].toUpperCase() + name.slice(1)} (${n(marked[k])})`, ["Outcome", "Test"], with_(flag).map((i) => [outcome(t.o[i])[1], jump(i)]))));
  };
  const makeRun = () => pages.run.append(
    ...table("Problems", ["Kind", "What"], [...core.problems.map(([kind, phase, message, hint]) => [kind, block([phase && `phase ${phase}:`, message, hint].filter(Boolean).join("\n"))]), ...core.collect_errors.map(([id, text]) => ["collection", block(id + "\n" + text)])]),
    ...table("Phases", ["Phase", "Isolation", "Workers", "Time", "Processes", "Note"], core.phases.map((p, k) => [oneLine(p.name), p.isolation, String(p.workers), took(p.wall), String(core.processes.filter((x) => core.lanes[x[1]][0] === k).length), plain(p.reason || (p.started ? p.finished ? "" : "not finished" : "not started"))])),
    ...table("Commands", ["Phase", "Command", "Time", "Result"], core.phases.flatMap((p) => p.commands.map((c) => [oneLine(`${p.name} ${c[0]}`), oneLine(c[1]), took(c[4]), el("div", {}, c[6] ? oneLine(c[6]) : c[2] === 0 ? "ok" : `status ${c[2]}`, c[5] ? el("details", {}, el("summary", {}, "Output"), block(c[5])) : "")]))),
    ...table("Processes that died", ["Process", "Status", "Time"], core.processes.filter((p) => p[4] !== null && p[4] < 0).map((p) => [oneLine(p[0]), `signal ${-p[4]}`, took(p[3])])),
    ...table("Left out", ["Count", "Why", "Examples"], core.left_out.map(([count, what, reason, examples]) => [`${count} ${what}`, plain(reason), plain(examples.join("\n"))])),
    ...table("Files that skipped themselves", ["File", "Reason"], core.collect_skips.map(([id, text]) => [oneLine(id), plain(text)])),
    ...table("Warnings", ["Warning"], core.warnings.map((w) => [plain(w)])),
    el("p", { className: "soft" }, oneLine(`pytest ${r.pytest}, Python ${r.python}. Command: async-test-run ${r.argv.join(" ")}`)));

  // ---- the timeline
  let line, canvas, tip, from, to;
  const L = 22, TOP = 26, SIDE = 130;
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const side = () => Math.min(SIDE, canvas.clientWidth / 4);
  const makeTimeline = () => {
    line = bars(run); from = line.from; to = line.to;
    const zoom = (factor, middle = (from + to) / 2) => { const width = Math.max(0.5, Math.min((to - from) * factor, (line.to - line.from) * 1.1)), share = (middle - from) / (to - from); from = middle - width * share; to = from + width; paint(); };
    const shift = (by) => { from += by; to += by; paint(); };
    const all = () => { from = line.from; to = line.to; paint(); };
    canvas = el("canvas", { tabIndex: 0, role: "img", "aria-label": `Timeline: ${n(line.count)} tests and commands in ${line.lanes.length} lanes, ${took(line.to - line.from)}. The list of tests has the same.` });
    tip = el("div", { id: "tip" });
    const timeAt = (x) => from + (x - side()) / (canvas.clientWidth - side()) * (to - from);
    const found = (e) => {
      const l = line.lanes[Math.floor((e.offsetY - TOP) / L)], near = (to - from) / canvas.clientWidth, time = timeAt(e.offsetX);
      if (!l || e.offsetX < side()) return [];
      let best = null;
      for (const b of l.bars) { if (b.s - near > time) break; if (b.e + near >= time && (!best || b.outcome <= best.outcome)) best = b; }
      return [best, l.spans.find((s) => s.s <= time && s.e >= time), l];
    };
    let down = null;
    canvas.onpointerdown = (e) => { down = { x: e.offsetX, moved: false }; canvas.setPointerCapture(e.pointerId); };
    canvas.onpointermove = (e) => {
      if (down) { const by = e.offsetX - down.x; if (down.moved || Math.abs(by) > 4) { down.moved = true; down.x = e.offsetX; shift(-by / (canvas.clientWidth - side()) * (to - from)); } return; }
      const [b, s] = found(e);
      tip.textContent = b ? (b.test >= 0 ? `${oneLine(idOf(run, b.test))}\n${outcome(b.outcome)[1]}${b.attempt ? `, attempt ${b.attempt}` : ""}, ${took(b.e - b.s)}, began at ${took(Math.max(0, b.s))}` + (b.waits > b.e ? `\nwaited ${took(b.waits - b.e)} for the next attempt` : "") : `${oneLine(b.text)}\n${took(b.e - b.s)}`) + (s ? `\nprocess ${oneLine(s.name)}` : "")
        : s ? `process ${oneLine(s.name)}: no test runs here (start, waiting, end)` + (s.status < 0 ? `\ndied of signal ${-s.status}` : "") : "";
      tip.style.left = Math.min(e.clientX + 14, innerWidth - tip.offsetWidth - 8) + "px"; tip.style.top = Math.min(e.clientY + 14, innerHeight - tip.offsetHeight - 8) + "px";
    };
    canvas.onpointerup = (e) => { const click = down && !down.moved; down = null; if (click) { const [b] = found(e); if (b && b.test >= 0) { tip.textContent = ""; go("tests"); at = shown.indexOf(b.test); if (at >= 0) move(at); open(b.test); } } };
    canvas.onpointerleave = () => { tip.textContent = ""; };
    canvas.addEventListener("wheel", (e) => { if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) { e.preventDefault(); shift((e.deltaX || e.deltaY) / canvas.clientWidth * (to - from)); } else if (e.ctrlKey || e.altKey || line.lanes.length < 20) { e.preventDefault(); zoom(e.deltaY > 0 ? 1.25 : 0.8, timeAt(e.offsetX)); } }, { passive: false });
    canvas.onkeydown = (e) => {
      const step = (to - from) / 8, act = { ArrowLeft: () => shift(-step), ArrowRight: () => shift(step), "+": () => zoom(0.6), "=": () => zoom(0.6), "-": () => zoom(1.6), 0: all }[e.key];
      if (act) { e.preventDefault(); act(); }
    };
    const used = core.outcomes.filter(([, , , count]) => count).map(([value, label]) => el("span", { className: "key " + value }, el("span", {}, label)));
    pages.timeline.append(
      el("div", { className: "legend" }, ...used, el("span", { className: "key span" }, el("span", {}, "process without a test: start, waiting")), el("span", { className: "key cmd" }, el("span", {}, "command")), el("span", {}, "✕ died"), el("span", {}, "┄ waits for its next attempt")),
      el("div", { className: "legend" }, el("button", { onclick: () => zoom(0.6), "aria-label": "Zoom in" }, "+"), el("button", { onclick: () => zoom(1.6), "aria-label": "Zoom out" }, "−"), el("button", { onclick: () => shift((from - to) / 4), "aria-label": "Earlier" }, "←"), el("button", { onclick: () => shift((to - from) / 4), "aria-label": "Later" }, "→"), el("button", { onclick: all }, "Whole run"), el("span", { className: "soft" }, "Wheel zooms, dragging moves, a click opens the test.")),
      el("div", { id: "time" }, canvas, tip));
  };
  const paint = () => {
    if (!canvas) return;
    const width = canvas.clientWidth, height = TOP + Math.min(line.lanes.length, 600) * L + 4, dots = devicePixelRatio || 1, left = side();
    canvas.style.height = height + "px"; canvas.width = width * dots; canvas.height = height * dots;
    const g = canvas.getContext("2d"), scale = (width - left) / (to - from), color = core.outcomes.map(([value]) => css({ failed: "--red", error: "--red", timed_out: "--red", crashed: "--red", not_run: "--violet", passed: "--green", xpassed: "--blue" }[value] ?? "--grey"));
    g.scale(dots, dots); g.font = "12px system-ui, sans-serif"; g.textBaseline = "middle";
    const step = [0.1, 0.2, 0.5].concat([1, 10, 100, 1e3, 6e4, 6e5, 36e5].flatMap((b) => b === 6e4 ? [6e4, 12e4, 3e5] : b === 1e3 ? [1e3, 2e3, 5e3, 1e4, 2e4, 3e4] : [b, 2 * b, 5 * b])).find((s) => s * scale > 90) ?? 36e6;
    g.fillStyle = css("--soft"); g.strokeStyle = css("--line");
    g.save(); g.beginPath(); g.rect(left, 0, width - left, height); g.clip();
    for (let time = Math.ceil(from / step) * step; time < to; time += step) { const x = left + (time - from) * scale; g.fillText(took(Math.max(0, time)), x + 3, 10); g.beginPath(); g.moveTo(x, 0); g.lineTo(x, height); g.stroke(); }
    line.lanes.slice(0, 600).forEach((l, k) => {
      const y = TOP + k * L;
      g.fillStyle = css("--span");
      for (const s of rectangles(l.spans.map((s) => ({ s: s.s, e: s.e, outcome: 0 })), from, scale, width)) g.fillRect(left + s.x, y + 1, s.w, L - 3);
      for (const b of rectangles(l.bars, from, scale, width)) { g.fillStyle = b.outcome < 0 ? css("--blue") : color[b.outcome]; g.fillRect(left + b.x, y + 4, Math.max(b.w - (b.w > 4 ? 1 : 0), 1), L - 9); }
      g.strokeStyle = css("--amber"); g.setLineDash([3, 3]);
      for (const b of l.bars) if (b.waits > b.e) { g.beginPath(); g.moveTo(left + (b.e - from) * scale, y + L / 2); g.lineTo(left + (b.waits - from) * scale, y + L / 2); g.stroke(); }
      g.setLineDash([]); g.fillStyle = css("--fg");
      for (const s of l.spans) if (s.status !== null && s.status < 0) g.fillText("✕", left + (s.e - from) * scale - 5, y + L / 2);
    });
    g.restore(); g.fillStyle = css("--fg");
    line.lanes.slice(0, 600).forEach((l, k) => { const name = oneLine(l.name); g.fillText(name.length > left / 7 ? name.slice(0, left / 7 - 1) + "…" : name, 2, TOP + k * L + L / 2, left - 4); });
  };

  // ---- keys
  addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key === "Escape") { if (document.activeElement === search) search.blur(); else if (opened >= 0) close(); return; }
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName)) return;
    const rows = document.activeElement === list;
    const act = { "/": () => { go("tests"); search.focus(); }, j: () => move(at + 1), k: () => move(at - 1), o: () => at >= 0 && open(shown[at]), t: () => go(view === "timeline" ? "tests" : "timeline"),
      f: () => { go("tests"); const red = core.outcomes.map((o, i) => o[2] && o[3] ? i : -1).filter((i) => i >= 0), on = red.some((i) => !wanted.outcomes.has(i)); for (const i of red) { if (on) wanted.outcomes.add(i); else wanted.outcomes.delete(i); chips[i].setAttribute("aria-pressed", String(on)); } update(); },
      ...(rows ? { ArrowDown: () => move(at + 1), ArrowUp: () => move(at - 1), PageDown: () => move(at + 20), PageUp: () => move(at - 20), Home: () => move(0), End: () => move(shown.length - 1), Enter: () => at >= 0 && open(shown[at]) } : {}) }[e.key];
    if (act) { e.preventDefault(); act(); }
  });
  addEventListener("hashchange", follow);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);

  app.append(head, ...banners, bar, filters, ...Object.values(pages));
  document.documentElement.className = "js";
  app.hidden = false;
  const hash = location.hash;
  update();
  go("tests");
  if (hash) { history.replaceState(null, "", hash); follow(); }
  document.documentElement.dataset.ready = "yes";
}
if (typeof document !== "undefined") start();
