#!/usr/bin/env node
// Opens a page of Kinophone (a report or a gallery) in Chromium and checks what no test of the program can see:
// no errors, no network, nothing wider than the screen, no "null" in the words, and sound that plays.
//
// usage: node check-page.mjs PAGE [FOLDER]
//
// Screenshots go to FOLDER. Chromium is the program that the variable CHROMIUM names, or is found under its usual names, or in
// an installed playwright. It must be able to decode AAC (Debian's and Google's can, playwright's own build cannot). Node 18 or
// newer; no package. Ends with 0 when all is well, 1 with the reasons when not, 2 when it could not check.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const VIEWS = [
  { name: "1280-light", width: 1280, height: 800, scheme: "light" },
  { name: "1280-dark", width: 1280, height: 800, scheme: "dark" },
  { name: "390-light", width: 390, height: 844, scheme: "light", phone: true },
  { name: "390-dark", width: 390, height: 844, scheme: "dark", phone: true },
];
const SWITCH_MS = 50;
const TALLEST = 16000; // Chromium paints no taller picture; what lies below is in no screenshot, but is checked.

const wait = ms => new Promise(done => setTimeout(done, ms));
const problems = new Set();
const short = words => words.length > 300 ? words.slice(0, 300) + "\u2026" : words;

function giveUp(words) {
  console.error(`check-page: ${words}`);
  process.exit(2);
}

async function findChromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]) {
    if (spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0) return name;
  }
  const mac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
  if (existsSync(mac)) return mac;
  for (const name of ["playwright", "playwright-core"]) {
    try {
      const path = (await import(name)).chromium.executablePath();
      if (existsSync(path)) return path;
    } catch { /* Not installed. */ }
  }
  giveUp("there is no Chromium here. Install it, or name it in the variable CHROMIUM.");
}

/** Chromium, spoken to over a pair of pipes: messages are JSON, each ended by a zero byte. */
class Browser {
  constructor(program) {
    this.home = mkdtempSync(join(tmpdir(), "check-page-"));
    const flags = ["--headless=new", "--remote-debugging-pipe", `--user-data-dir=${this.home}`, "--no-first-run", "--disable-extensions", "--disable-background-networking", "--mute-audio", "--hide-scrollbars"];
    // Chromium's sandbox refuses to run as root, which is what containers are.
    if (process.getuid?.() === 0) flags.push("--no-sandbox");
    this.child = spawn(program, flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    // However this ends, nothing stays behind.
    process.on("exit", () => {
      this.child.kill("SIGKILL");
      rmSync(this.home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    });
    this.child.on("error", error => giveUp(`${program} did not start (${error.message}).`));
    this.child.on("exit", code => { if (!this.closing) giveUp(`Chromium ended before its time, with ${code}.`); });
    // A pipe that breaks is Chromium's end, which is told above.
    this.child.stdio[3].on("error", () => {});
    this.waiting = new Map();
    this.heard = [];
    this.last = 0;
    let rest = "";
    this.child.stdio[4].setEncoding("utf8").on("data", text => {
      const messages = (rest + text).split("\0");
      rest = messages.pop();
      for (const message of messages) this.receive(JSON.parse(message));
    });
  }
  receive({ id, result, error, method, params }) {
    if (!id) return this.heard.forEach(listener => listener(method, params));
    const { done, fail, what } = this.waiting.get(id);
    this.waiting.delete(id);
    if (error) fail(new Error(`${what}: ${error.message}`)); else done(result);
  }
  send(method, params = {}) {
    const id = ++this.last;
    const message = { id, method, params };
    if (this.session && !method.startsWith("Target.")) message.sessionId = this.session;
    this.child.stdio[3].write(JSON.stringify(message) + "\0");
    return new Promise((done, fail) => this.waiting.set(id, { done, fail, what: method }));
  }
  async open() {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    this.session = (await this.send("Target.attachToTarget", { targetId, flatten: true })).sessionId;
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await this.send(`${domain}.enable`);
  }
  once(event) {
    return new Promise(done => {
      const listener = method => { if (method === event) { this.heard = this.heard.filter(l => l !== listener); done(); } };
      this.heard.push(listener);
    });
  }
  /** The value of an expression in the page, as if a person had touched the page. */
  async ask(expression) {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true, userGesture: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }
  async press(key, code = key) {
    const event = { key, code, ...(key.length === 1 ? { text: key } : {}) };
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", ...event });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...event, text: undefined });
  }
  async click(selector) {
    const at = await this.ask(`(() => { const e = document.querySelector(${JSON.stringify(selector)}); e.scrollIntoView({ block: "center", behavior: "instant" }); const b = e.getBoundingClientRect(); return { x: b.x + b.width / 2, y: b.y + b.height / 2 }; })()`);
    for (const type of ["mousePressed", "mouseReleased"]) await this.send("Input.dispatchMouseEvent", { type, ...at, button: "left", clickCount: 1 });
  }
  async close() {
    this.closing = true;
    const ended = new Promise(done => this.child.on("exit", done));
    this.send("Browser.close").catch(() => {});
    await Promise.race([ended, wait(3000)]);
  }
}

async function look(browser, url, view, folder) {
  const { width, height, scheme, name } = view;
  await browser.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: view.phone ? 2 : 1, mobile: Boolean(view.phone) });
  await browser.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }, { name: "prefers-reduced-motion", value: "reduce" }] });
  const loaded = browser.once("Page.loadEventFired");
  await browser.send("Page.navigate", { url });
  await loaded;
  // Past everything once, for what is only drawn when it is looked at.
  await browser.ask(`(async () => { for (let y = 0; y < document.body.scrollHeight; y += innerHeight) { scrollTo(0, y); await new Promise(r => setTimeout(r, 60)); } scrollTo(0, 0); await new Promise(r => setTimeout(r, 300)); })()`);
  const found = await browser.ask(`(() => {
    // Not innerWidth: on a phone the window grows with a page that is too wide.
    const wide = document.documentElement.scrollWidth - ${width}, outside = [];
    if (wide > 0) for (const e of document.querySelectorAll("body *")) if (e.getBoundingClientRect().right > ${width} + 1 && outside.length < 5) outside.push(e.tagName.toLowerCase() + "." + (e.getAttribute("class") ?? ""));
    const words = document.body.innerText + " " + [...document.querySelectorAll("[aria-label]")].map(e => e.getAttribute("aria-label")).join(" ");
    const nameless = [...document.querySelectorAll("button, select, a, audio, video, [role=slider], [role=img]")].filter(e => !e.getAttribute("aria-label") && !e.textContent.trim() && !e.labels?.length).map(e => e.outerHTML.slice(0, 80));
    return { wide, outside, odd: words.match(/.{0,30}(\\bnull\\b|NaN|\\bundefined\\b|Infinity|\\[object).{0,20}/g) ?? [], nameless, height: document.documentElement.scrollHeight };
  })()`);
  if (found.wide > 0) problems.add(`${name}: the page is ${found.wide} px wider than the screen (${found.outside.join(", ")}).`);
  for (const odd of found.odd) problems.add(`${name}: the words show a missing value: \u201c${odd.trim()}\u201d.`);
  for (const node of found.nameless) problems.add(`${name}: no name for screen readers: ${node}`);
  if (folder) {
    const { data } = await browser.send("Page.captureScreenshot", { format: "png", captureBeyondViewport: true, clip: { x: 0, y: 0, width, height: Math.min(found.height, TALLEST / (view.phone ? 2 : 1)), scale: 1 } });
    writeFileSync(join(folder, `${basename(url, ".html")}-${name}.png`), Buffer.from(data, "base64"));
  }
}

/** Goes through all versions by their keys while the film plays: the largest error of position in milliseconds, and how many there were. */
async function switchAll(browser) {
  const count = await browser.ask("films[window.tried].tracks.length");
  let worst = 0, switches = 0;
  for (let k = Math.min(count, 9); k >= 1; k--) {
    if (!await browser.ask(`Boolean(films[window.tried].deck.sources[${k - 1}])`)) continue;
    await browser.ask(`(() => { const d = films[window.tried].deck; window.before = [performance.now(), d.player.currentTime]; })()`);
    await browser.press(String(k), `Digit${k}`);
    for (const pause of [30, 300]) {
      await wait(pause);
      const seen = await browser.ask(`(() => { const d = films[window.tried].deck; return { chosen: d.chosen, off: (d.player.currentTime - window.before[1]) * 1000 - (performance.now() - window.before[0]), loud: d.players.filter(p => p && !p.muted && p.volume > 0.001 && !p.paused).length }; })()`);
      if (seen.chosen !== k - 1) problems.add(`the key ${k} did not choose version ${k}.`);
      if (seen.loud !== 1) problems.add(`after the key ${k}, ${seen.loud} versions are heard at once.`);
      worst = Math.max(worst, Math.abs(seen.off));
    }
    switches++;
  }
  return [worst, switches];
}

async function listenToReport(browser) {
  const position = () => browser.ask("films[window.tried].deck.position");
  const playable = await browser.ask(`window.tried = films.findIndex(f => f.deck.sources.filter(Boolean).length > 0)`);
  if (playable < 0) return "no sound in this report";
  if (!await browser.ask(`new Audio().canPlayType('audio/mp4; codecs="mp4a.40.2"')`)) giveUp("this Chromium cannot decode AAC; Debian's and Google's can.");
  const film = `#${await browser.ask("films[window.tried].section.id")}`;
  await browser.click(`${film} .play`);
  await wait(400);
  // By the page's own clock: on a busy machine the second between two questions may be longer.
  const both = () => browser.ask("[films[window.tried].deck.position, performance.now() / 1000]");
  const [from, since] = await both();
  await wait(1000);
  const [to, until] = await both();
  const gone = (to - from) / (until - since);
  if (!(gone > 0.8 && gone < 1.2)) problems.add(`in one second the sound went on by ${gone.toFixed(2)} s, from ${from.toFixed(2)} s.`);

  // Who is heard must be where the one before would have been. A busy machine may stumble, so there are three attempts.
  let worst = Infinity, switches = 0;
  for (let attempt = 0; attempt < 3 && worst > SWITCH_MS; attempt++) {
    // From the beginning each time, so that a short film does not end meanwhile.
    await browser.ask("films[window.tried].deck.seek(0)");
    await wait(500);
    [worst, switches] = await switchAll(browser);
  }
  if (worst > SWITCH_MS) problems.add(`switching moved the position by ${worst.toFixed(0)} ms; at most ${SWITCH_MS} ms is right.`);

  await browser.ask("films[window.tried].deck.seek(0)");
  await wait(300);
  const [at, when] = await both();
  await browser.press("ArrowRight");
  const [there, then] = await both();
  const step = there - at - (then - when);
  if (!(step > 0.8 && step < 1.1)) problems.add(`the right arrow went ${step.toFixed(2)} s, not one second.`);
  await browser.press(" ", "Space");
  await wait(100);
  const still = await position();
  await wait(300);
  if (await position() !== still) problems.add("the space key did not pause.");
  await browser.click(`${film} .lane.sound canvas`);
  const [middle, length] = await browser.ask("[films[window.tried].deck.position, films[window.tried].deck.length]");
  if (Math.abs(middle - length / 2) > length * 0.02) problems.add(`a click in the middle of a lane went to ${middle.toFixed(1)} s of ${length.toFixed(1)} s.`);
  return `sound went on by ${gone.toFixed(2)} s in a second; ${switches} switches, the worst off by ${worst.toFixed(0)} ms`;
}

async function listenToGallery(browser) {
  const result = await browser.ask(`(async () => {
    const players = cells.map(c => c.player).filter(Boolean), pause = ms => new Promise(r => setTimeout(r, ms)), faults = [];
    if (players.some(p => p.preload !== "none")) faults.push("a film is loaded before it is asked for.");
    for (const player of players.slice(0, 4)) {
      await player.play().catch(error => faults.push(player.src.split("/").at(-1) + " does not play: " + error.message));
      const from = player.currentTime;
      await pause(700);
      if (!(player.currentTime > from + 0.3)) faults.push(player.src.split("/").at(-1) + " does not go on.");
      const running = players.filter(p => !p.paused).length;
      if (running !== 1) faults.push(running + " films play at once.");
    }
    players.forEach(p => p.pause());
    for (const select of document.querySelectorAll(".filter select")) {
      const all = document.querySelectorAll(".cell:not([hidden])").length;
      select.selectedIndex = 1;
      select.dispatchEvent(new Event("change"));
      if (!(document.querySelectorAll(".cell:not([hidden])").length < all)) faults.push("the filter " + select.name + " leaves all.");
      select.selectedIndex = 0;
      select.dispatchEvent(new Event("change"));
    }
    return { faults, count: players.length };
  })()`);
  result.faults.forEach(fault => problems.add(fault));
  return `${result.count} players`;
}

const [page, folder] = process.argv.slice(2);
if (!page || !existsSync(page)) giveUp("usage: check-page.mjs PAGE [FOLDER]");
if (folder) mkdirSync(folder, { recursive: true });
const url = pathToFileURL(resolve(page)).href, beside = pathToFileURL(dirname(resolve(page))).href + "/";
const browser = new Browser(await findChromium());
const limit = setTimeout(() => giveUp("Chromium did not answer within three minutes."), 180_000);
browser.heard.push((method, params) => {
  if (method === "Runtime.exceptionThrown") problems.add(`error: ${params.exceptionDetails.exception?.description ?? params.exceptionDetails.text}`);
  if (method === "Runtime.consoleAPICalled" && ["error", "warning", "assert"].includes(params.type)) problems.add(`console: ${params.args.map(a => a.value ?? a.description).join(" ")}`);
  if (method === "Log.entryAdded" && ["error", "warning"].includes(params.entry.level)) problems.add(`console: ${params.entry.text}`);
  if (method === "Network.requestWillBeSent") {
    const asked = params.request.url;
    if (!/^(data|blob|about):/.test(asked) && !asked.startsWith(beside)) problems.add(`the page asked for ${asked}`);
  }
});
let words = "";
try {
  await browser.open();
  for (const view of VIEWS) await look(browser, url, view, folder);
  await browser.send("Emulation.clearDeviceMetricsOverride");
  await browser.send("Emulation.setDeviceMetricsOverride", { width: 1280, height: 800, deviceScaleFactor: 1, mobile: false });
  if (await browser.ask(`Boolean(document.querySelector(".cells"))`)) words = await listenToGallery(browser);
  else if (await browser.ask(`typeof films !== "undefined" && films.length > 0`)) words = await listenToReport(browser);
} catch (error) {
  problems.add(`the check itself failed: ${error.message}`);
}
clearTimeout(limit);
await browser.close();
for (const problem of problems) console.error(`check-page: ${basename(page)}: ${short(problem)}`);
if (!problems.size) console.log(`${basename(page)}: well at ${VIEWS.map(v => v.name).join(", ")}${words ? `; ${words}` : ""}`);
process.exit(problems.size ? 1 : 0);
