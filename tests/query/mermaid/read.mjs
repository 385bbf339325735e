// Reads a flowchart with Mermaid's own parser and prints its vertices and edges as JSON.
import { JSDOM } from "jsdom";
import { readFileSync } from "node:fs";

const { window } = new JSDOM("");
Object.assign(globalThis, { window, document: window.document, Element: window.Element });
const { default: mermaid } = await import("mermaid");
mermaid.initialize({ startOnLoad: false, maxEdges: 100000, maxTextSize: 10000000 });
const { db } = await mermaid.mermaidAPI.getDiagramFromText(readFileSync(0, "utf8"));
const vertices = [...db.getVertices().values()].map(({ id, text, type }) => ({ id, text, type }));
const edges = db.getEdges().map(({ start, end, text }) => ({ start, end, text }));
process.stdout.write(JSON.stringify({ vertices, edges }));
