// Replaces each static figure by its interactive version; without WebGL, the static figure stays.
for (const block of document.querySelectorAll(".interactive")) {
  const staticFigure = block.querySelector("figure > .scroll");
  if (!window.Plotly || !document.createElement("canvas").getContext("webgl")) continue;
  const plot = document.createElement("div");
  plot.className = "plot";
  plot.append(block.querySelector("template").content.cloneNode(true));
  staticFigure.before(plot);
  const drawn = plot.querySelector(".js-plotly-plot");
  if (drawn && !plot.querySelector(".no-webgl")) block.classList.add("drawn");
  else plot.remove();
}
