"use strict";
(async () => {
  const unpacked = async (id) => {
    const text = atob(document.getElementById(id).textContent);
    const bytes = new Uint8Array(text.length);  // megabytes: a call for each letter takes half a second
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  };
  const make = (name, words, parent) => {
    const made = document.createElement(name);
    if (words !== undefined) made.textContent = words;
    if (parent) parent.append(made);
    return made;
  };
  const payload = JSON.parse(await unpacked("payload"));

  // --- the table: sorted and filtered as numbers of rows, drawn a page at a time ---------------------------
  const trials = payload.trials, SIZE = 50;
  const kept = { get: (k) => { try { return sessionStorage.getItem(k); } catch { return null; } },
                 set: (k, v) => { try { sessionStorage.setItem(k, v); } catch { /* a file without storage */ } } };
  const place = location.pathname;
  const count = trials.number.length;
  const written = (value, unit) => {
    if (value === null || value === undefined) return "";
    if (unit === "s") return value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(value < 10 ? 2 : 1);
    if (Number.isInteger(value) && Math.abs(value) >= 10) return value.toLocaleString("en");
    return Math.abs(value) >= 1000 ? value.toLocaleString("en", { maximumFractionDigits: 1 })
      : value !== 0 && Math.abs(value) < 0.001 ? value.toExponential(1) : value.toFixed(4);
  };
  const columns = [
    { key: "number", title: "number", values: trials.number, up: true, numeric: true, width: 5.5 },
    ...trials.metrics.map((m) => ({ key: m.name, title: m.title + (m.unit ? ` (${m.unit})` : ""), unit: m.unit,
                                    values: m.values, up: !m.maximize, numeric: true, width: 7.5 })),
    { key: "architecture", title: "architecture", values: trials.architecture, up: true, numeric: false },
  ];
  const hidden = [
    { key: "status", title: "status", values: trials.status, numeric: false },
    { key: "cost", title: "cost (s)", unit: "s", values: trials.cost, numeric: true },
    { key: "parent", title: "parent", values: trials.parent, numeric: true },
  ];
  const all = [...columns, ...hidden];
  const first = trials.metrics[0];
  const best = trials.best === null ? -1 : trials.best;
  for (const i of trials.outside) trials.status[i] = "outside";  // of the constraints
  let order = { key: first.name, up: !first.maximize }, shown = [], at = 0;
  const saved = kept.get(place);
  const table = document.getElementById("table"), filter = document.getElementById("filter");

  const conditions = (text) => text.trim().split(/\s+/).filter(Boolean).map((word) => {
    const found = word.match(/^([a-z_]+)(<=|>=|<|>|=)(.+)$/i);
    const column = found && all.find((c) => c.key === found[1].toLowerCase());
    if (!column) return (i) => trials.architecture[i].includes(word) || trials.status[i].includes(word)
      || String(trials.number[i]) === word || (trials.reason[trials.number[i]] || "").includes(word);
    const limit = Number(found[3]), sign = found[2];
    if (!column.numeric) return (i) => column.values[i] === found[3];
    return (i) => {
      const v = column.values[i];
      if (v === null || v === undefined || Number.isNaN(limit)) return false;
      return sign === "<" ? v < limit : sign === ">" ? v > limit : sign === "<=" ? v <= limit
        : sign === ">=" ? v >= limit : v === limit;
    };
  });
  const arrange = () => {
    const tests = conditions(filter.value), column = all.find((c) => c.key === order.key), sign = order.up ? 1 : -1;
    shown = [];
    for (let i = 0; i < count; i++) if (tests.every((test) => test(i))) shown.push(i);
    const { values, numeric } = column;
    shown.sort((a, b) => {
      const x = values[a], y = values[b];
      if (x === null || y === null) return (x === null) - (y === null) || a - b;  // what has no value comes last
      return sign * (numeric ? x - y : x < y ? -1 : x > y ? 1 : 0) || a - b;
    });
    at = 0;
    kept.set(place, JSON.stringify({ filter: filter.value, order }));
    draw();
  };
  const narrow = matchMedia("(max-width: 760px)");
  const visible = () => {
    const fixed = columns.length - 1, room = narrow.matches ? 2 : Math.min(fixed, 7);
    return [...columns.slice(0, room), columns[fixed]];
  };
  const draw = () => {
    const head = table.tHead, body = table.tBodies[0], some = visible();
    head.replaceChildren();
    body.replaceChildren();
    const line = make("tr", undefined, head);
    for (const column of some) {
      const cell = make("th", undefined, line);
      cell.scope = "col";
      if (column.width) cell.style.width = `${column.width}em`;
      if (order.key === column.key) cell.setAttribute("aria-sort", order.up ? "ascending" : "descending");
      const button = make("button", column.title, cell);
      button.type = "button";
      button.addEventListener("click", () => {
        order = { key: column.key, up: order.key === column.key ? !order.up : column.up };
        arrange();
      });
    }
    for (const i of shown.slice(at * SIZE, (at + 1) * SIZE)) {
      const row = make("tr", undefined, body);
      row.className = i === best ? "best" : trials.status[i] === "done" ? "" : trials.status[i];
      some.forEach((column, c) => {
        const value = column.values[i];
        let words = column.numeric ? written(value, column.unit) : value;
        if (c === 1 && value === null) words = trials.status[i];
        const cell = make("td", words, row);
        if (column.key === "number" && column.values[i] !== null) cell.textContent = value.toLocaleString("en");
        if (column.key === "architecture") cell.className = "a";
      });
      row.tabIndex = 0;
      row.addEventListener("click", () => open(row, i, some.length));
      row.addEventListener("keydown", (e) => { if (e.key === "Enter") open(row, i, some.length); });
    }
    const pages = Math.max(1, Math.ceil(shown.length / SIZE));
    document.getElementById("at").textContent = `page ${at + 1} of ${pages}`;
    document.getElementById("found").textContent = shown.length === count ? `${count.toLocaleString("en")} lines`
      : `${shown.length.toLocaleString("en")} of ${count.toLocaleString("en")} lines`;
    document.getElementById("before").disabled = at === 0;
    document.getElementById("after").disabled = at + 1 >= pages;
  };
  const open = (row, i, span) => {
    if (row.nextSibling && row.nextSibling.className === "more") return row.nextSibling.remove();
    const more = document.createElement("tr");
    more.className = "more";
    const cell = make("td", undefined, more);
    cell.colSpan = span;
    const facts = [...columns.slice(0, -1), ...hidden].map((c) => [c.title, c.numeric && c.key !== "number" && c.key !== "parent"
      ? written(c.values[i], c.unit) : c.values[i]]).filter(([, v]) => v !== null && v !== undefined && v !== "");
    make("p", facts.map(([name, value]) => `${name} ${value}`).join(" · "), cell);
    if (trials.reason[trials.number[i]]) make("p", trials.reason[trials.number[i]], cell);
    make("code", trials.architecture[i], cell);
    row.after(more);
  };
  if (table) {
    if (saved) {
      const state = JSON.parse(saved);
      filter.value = state.filter;
      if (all.some((c) => c.key === state.order.key)) order = state.order;
    }
    let waiting = 0;
    filter.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(arrange, 80); });
    for (const [id, step] of [["before", -1], ["after", 1]])
      document.getElementById(id).addEventListener("click", () => { at += step; draw(); });
    narrow.addEventListener("change", draw);
    arrange();
  }
  for (const button of document.querySelectorAll("[data-copy]"))
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copy), words = button.textContent;
      try { await navigator.clipboard.writeText(source.textContent.trim()); button.textContent = "Copied"; }
      catch { getSelection().selectAllChildren(source); button.textContent = "Selected"; }
      setTimeout(() => { button.textContent = words; }, 1500);
    });
  document.documentElement.dataset.table = "ready";

  // --- the charts: drawn in the colours of the scheme that is shown, and again when it changes -------------
  const script = document.createElement("script");
  script.src = URL.createObjectURL(new Blob([await unpacked("plotly")], { type: "text/javascript" }));
  await new Promise((done) => { script.onload = () => setTimeout(done); document.head.append(script); });
  const colored = (value, colors) => {
    if (typeof value === "string" && value.startsWith("--")) return colors.getPropertyValue(value).trim();
    if (Array.isArray(value)) return [value[0], value[value.length - 1]].every((v) => typeof v === "number") ? value : value.map((v) => colored(v, colors));
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, colored(v, colors)]));
    return value;
  };
  const drawCharts = (chosen = Object.keys(payload.figures)) => {
    const colors = getComputedStyle(document.documentElement), of = (name) => colors.getPropertyValue(name).trim();
    for (const name of chosen) {
      const figure = payload.figures[name];
      const { data, layout } = colored(figure, colors);
      const own = { gridcolor: of("--grid"), linecolor: of("--line"), zerolinecolor: of("--line"), automargin: true,
                    tickfont: { color: of("--muted"), size: 12 } };
      const axis = (given) => ({ ...own, ...given,
        title: { ...given.title, font: { color: of("--text"), size: 13 }, standoff: 8 } });
      Plotly.react(`plot-${name}`, data, {
        margin: { l: 12, r: 12, t: 8, b: 12 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
        font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: of("--text") },
        legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, font: { size: 12, color: of("--text") } },
        hoverlabel: { bgcolor: of("--panel"), bordercolor: of("--line"), font: { color: of("--text") }, align: "left" },
        hovermode: "closest", dragmode: narrow.matches ? false : "zoom",
        ...layout, xaxis: axis(layout.xaxis), yaxis: axis(layout.yaxis),
      }, { responsive: true, displaylogo: false, displayModeBar: narrow.matches ? false : "hover",
           modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] });
    }
  };
  for (const name of Object.keys(payload.figures)) {  // one at a time: a click in between is heard
    drawCharts([name]);
    await new Promise((done) => setTimeout(done));
  }
  document.documentElement.dataset.charts = "ready";
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawCharts());
  const printing = (on) => {
    if (on) document.documentElement.dataset.print = ""; else delete document.documentElement.dataset.print;
    drawCharts();
  };
  window.addEventListener("beforeprint", () => printing(true));
  window.addEventListener("afterprint", () => printing(false));
  if (window.refresh) setTimeout(function again() {
    if (document.hidden || document.activeElement === filter) return setTimeout(again, 1000);
    location.reload();
  }, window.refresh * 1000);
})();
