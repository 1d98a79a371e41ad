"use strict";
// Draws every figure of the page. They are light on dark pages, too: Optuna's colours are made for white paper.
const paper = {
  paper_bgcolor: "#fff", plot_bgcolor: "#fff", autosize: true, margin: { l: 70, r: 30, t: 30, b: 60 },
  font: { family: "system-ui, Segoe UI, Roboto, sans-serif", size: 12, color: "#15181e" },
};
const axis = { automargin: true, gridcolor: "#e3e6eb", zerolinecolor: "#e3e6eb", linecolor: "#c9ced6" };

for (const node of document.querySelectorAll("[data-figure]")) {
  const { data, layout } = JSON.parse(document.getElementById(node.dataset.figure).textContent);
  const names = new Set(["xaxis", "yaxis", ...Object.keys(layout).filter((key) => /^[xy]axis\d+$/.test(key))]);
  const axes = Object.fromEntries([...names].map((name) => [name, { ...axis, ...layout[name] }]));
  Plotly.newPlot(node, data, { ...layout, ...paper, ...axes }, { responsive: true, displaylogo: false });
}
