// Puts each interactive picture in the place of its still one; where it cannot be drawn, the still one stays.
for (const place of document.querySelectorAll(".interactive")) {
  const still = place.querySelector("figure > .scroll");
  if (!window.Plotly || !document.createElement("canvas").getContext("webgl")) continue;
  const live = document.createElement("div");
  live.className = "live";
  live.append(place.querySelector("template").content.cloneNode(true));
  still.before(live);
  const drawn = live.querySelector(".js-plotly-plot");
  if (drawn && !live.querySelector(".no-webgl")) place.classList.add("lives");
  else live.remove();
}
