"use strict";
(() => {
  const look = JSON.parse(document.getElementById("look").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const narrow = matchMedia("(max-width: 560px)");
  const plots = [...document.querySelectorAll(".plot")].map(
    (place) => ({ place, text: place.querySelector("script").textContent }));
  // pages of A4, landscape, less their margins: the browser lays them out after the charts are drawn
  const PRINTED = { one: 1000, beside: 480 };
  const draw = ({ place, text }, theme, printed) => {
    const own = theme === "dark" ? text.replace(/#[0-9a-f]{6}/g, (one) => look.swaps[one] || one) : text;
    const figure = JSON.parse(own);
    figure.layout.template = look.themes[theme];
    if (narrow.matches) figure.layout.font = { size: 10 };
    if (printed) figure.layout.width = place.closest(".beside") ? PRINTED.beside : PRINTED.one;
    Plotly.newPlot(place, figure.data, figure.layout,
      { responsive: true, displayModeBar: false });
  };
  const drawAll = (theme, printed) => plots.forEach((one) => draw(one, theme, printed));
  const theme = () => (dark.matches ? "dark" : "light");
  // one after the other, from the top: the page can be read and scrolled meanwhile
  const next = (k) => {
    if (k === plots.length) return;
    draw(plots[k], theme());
    setTimeout(next, 0, k + 1);
  };
  next(0);
  dark.addEventListener("change", () => drawAll(theme()));
  addEventListener("beforeprint", () => drawAll("light", true));
  addEventListener("afterprint", () => drawAll(theme()));
})();
