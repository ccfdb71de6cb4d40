"""The look of a report: one style sheet, light and dark, without anything to fetch."""

STYLE = """
:root {
  color-scheme: light dark;
  --ink: #1c2330; --soft: #5b6675; --faint: #8a94a3; --line: #dfe4ea; --ground: #f6f7f9;
  --sheet: #ffffff; --accent: #2f5d9b; --good: #24735b; --warn: #9a5b00; --warn-ground: #fdf4e3;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e4e8ee; --soft: #a7b0bd; --faint: #7d8796; --line: #323a46; --ground: #14181e;
    --sheet: #1b2129; --accent: #8db4e8; --good: #6fc3a5; --warn: #e9b564; --warn-ground: #2b2414;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums;
}
main { max-width: 1240px; margin: 0 auto; padding: 40px 28px 64px; }
header { margin-bottom: 28px; }
.kicker { margin: 0 0 4px; color: var(--accent); font-size: 13px; font-weight: 600;
  letter-spacing: .06em; text-transform: uppercase; }
h1 { margin: 0; font-size: 32px; line-height: 1.2; letter-spacing: -.015em; }
.lead { margin: 10px 0 0; max-width: 74ch; color: var(--soft); font-size: 17px; }
nav { margin-top: 16px; font-size: 14px; }
nav a, .links a { margin-right: 16px; color: var(--accent); text-decoration: none; }
nav a:hover, .links a:hover { text-decoration: underline; }
.links { max-width: none; }
section { margin-top: 20px; padding: 22px 24px 24px; background: var(--sheet);
  border: 1px solid var(--line); border-radius: 10px; }
h2 { margin: 0 0 12px; font-size: 19px; letter-spacing: -.005em; }
h3 { margin: 22px 0 8px; font-size: 16px; }
p { margin: 8px 0; max-width: 78ch; }
code { padding: .08em .32em; border-radius: 4px; background: var(--ground);
  font: .9em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px;
  margin: 20px 0 0; }
.numbers div { padding: 12px 16px; background: var(--sheet); border: 1px solid var(--line);
  border-radius: 10px; }
.numbers dt { color: var(--soft); font-size: 13px; }
.numbers dd { margin: 2px 0 0; font-size: 24px; font-weight: 600; letter-spacing: -.01em; }
.numbers small { display: block; color: var(--faint); font-size: 12.5px; font-weight: 400;
  letter-spacing: 0; }
.facts { display: grid; grid-template-columns: minmax(120px, max-content) 1fr; gap: 5px 24px;
  margin: 8px 0; font-size: 14.5px; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.note { margin: 12px 0; padding: 9px 14px; border-left: 3px solid var(--accent);
  background: var(--ground); border-radius: 0 6px 6px 0; max-width: 78ch; }
.note.warning { border-color: var(--warn); background: var(--warn-ground); }
figure { margin: 14px 0 0; }
figure + figure { margin-top: 26px; }
figure img { display: block; max-width: 100%; height: auto; border-radius: 6px; }
figcaption { margin-top: 6px; max-width: 90ch; color: var(--soft); font-size: 13.5px; }
.table { margin: 12px 0 0; overflow-x: auto; container-type: inline-size; }
table { border-collapse: collapse; font-size: 14.5px; }
caption { caption-side: top; padding: 0 0 8px; color: var(--soft); font-size: 13.5px;
  text-align: left; }
caption span { position: sticky; left: 0; display: inline-block; max-width: min(96ch, 100cqw); }
th, td { padding: 6px 14px 6px 0; text-align: right; vertical-align: top; white-space: nowrap; }
th + th, td + td, th + td { padding-left: 14px; }
thead th { border-bottom: 1.5px solid var(--faint); font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 400; }
tbody th, th.left, td.left { text-align: left; }
thead th { white-space: normal; min-width: 9ch; }
td.left { white-space: normal; min-width: 18ch; max-width: 44ch; }
tbody tr { border-bottom: 1px solid var(--line); }
tbody tr:last-child { border-bottom-color: var(--faint); }
td .paper { display: block; color: var(--faint); font-size: 12.5px; }
.legend { color: var(--faint); font-size: 13px; }
footer { margin-top: 24px; color: var(--faint); font-size: 13px; }
@media (prefers-color-scheme: dark) { figure img { background: #fff; padding: 10px; } }
@media (max-width: 640px) {
  main { padding: 24px 14px 40px; } section { padding: 16px; } h1 { font-size: 26px; }
  .facts { grid-template-columns: 1fr; gap: 0; } .facts dd { margin-bottom: 8px; }
}
@media print {
  body, section, .numbers div { background: #fff; color: #000; }
  section { break-inside: avoid-page; border: 0; padding: 0; } nav { display: none; }
}
"""
