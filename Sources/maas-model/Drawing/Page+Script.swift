import MaasCommand

extension Page {
  /// Panning, zooming, searching, and the panel that shows what is chosen. All texts of the model are set as text,
  /// never as markup.
  static let script = #"""
    'use strict';
    const data = JSON.parse(document.getElementById('data').textContent);
    const view = document.getElementById('view');
    const svg = view.querySelector('svg');
    const panel = document.getElementById('panel');
    const boxes = [...svg.querySelectorAll('.box')];
    const at = { x: 0, y: 0, scale: 1 };

    function show() {
      svg.style.transform = `translate(${at.x}px, ${at.y}px) scale(${at.scale})`;
    }
    function zoom(factor, x, y) {
      const scale = Math.min(8, Math.max(0.005, at.scale * factor));
      at.x = x - (x - at.x) * scale / at.scale;
      at.y = y - (y - at.y) * scale / at.scale;
      at.scale = scale;
      show();
    }
    function fit() {
      const size = svg.viewBox.baseVal;
      at.scale = Math.min(1, view.clientWidth / size.width, Math.max(0.1, view.clientHeight / size.height));
      at.x = (view.clientWidth - size.width * at.scale) / 2;
      at.y = 0;
      show();
    }
    function center(box) {
      if (at.scale < 0.5) at.scale = 1;
      show();
      const place = box.getBoundingClientRect();
      const frame = view.getBoundingClientRect();
      at.x += frame.left + frame.width / 2 - place.left - place.width / 2;
      at.y += frame.top + frame.height / 2 - place.top - place.height / 2;
      show();
    }

    view.addEventListener('wheel', event => {
      event.preventDefault();
      const frame = view.getBoundingClientRect();
      zoom(Math.exp(-event.deltaY / 400), event.clientX - frame.left, event.clientY - frame.top);
    }, { passive: false });
    let drag = null;
    view.addEventListener('pointerdown', event => { drag = { x: event.clientX, y: event.clientY, moved: false }; });
    window.addEventListener('pointermove', event => {
      if (!drag) return;
      const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
      if (!drag.moved && Math.hypot(dx, dy) < 4) return;
      at.x += dx;
      at.y += dy;
      drag = { x: event.clientX, y: event.clientY, moved: true };
      show();
    });
    window.addEventListener('pointerup', event => {
      const box = drag && !drag.moved && event.target.closest && event.target.closest('.box');
      drag = null;
      if (box) choose(boxes.indexOf(box));
    });
    view.addEventListener('keydown', event => {
      const steps = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
      const step = steps[event.key];
      if (step) { at.x += step[0]; at.y += step[1]; show(); }
      if (event.key === '+' || event.key === '-') {
        zoom(event.key === '+' ? 1.25 : 0.8, view.clientWidth / 2, view.clientHeight / 2);
      }
    });

    function add(parent, tag, text) {
      const child = parent.appendChild(document.createElement(tag));
      if (text !== undefined) child.textContent = text;
      return child;
    }
    const makers = new Map();
    const readers = new Map();
    data.boxes.forEach((box, i) => {
      for (const value of box.outputs || []) if (value) makers.set(value.name, i);
      for (const value of box.inputs || []) {
        if (value) readers.set(value.name, [...(readers.get(value.name) || []), i]);
      }
    });
    function link(parent, i) {
      const a = add(parent, 'a', data.boxes[i].name || data.boxes[i].kind);
      a.addEventListener('click', () => { choose(i); center(boxes[i]); });
    }
    function values(title, list, others) {
      if (!list || !list.length) return;
      add(panel, 'h3', title);
      const dl = add(panel, 'dl');
      for (const value of list) {
        add(dl, 'dt', value ? value.name : '(left out)');
        const dd = add(dl, 'dd', value ? (value.constant ? 'constant ' : '') + value.type : '');
        for (const i of value ? others(value.name) : []) { add(dd, 'br'); link(dd, i); }
      }
    }
    function choose(i) {
      boxes.forEach((box, k) => box.classList.toggle('chosen', k === i));
      const box = data.boxes[i];
      panel.replaceChildren();
      add(panel, 'h2', box.kind);
      if (box.name) add(panel, 'div', box.name);
      const attributes = Object.entries(box.attributes || {});
      if (attributes.length) {
        add(panel, 'h3', 'Attributes');
        const dl = add(panel, 'dl');
        for (const [name, value] of attributes) {
          add(dl, 'dt', name);
          add(dl, 'dd', typeof value === 'string' ? value : JSON.stringify(value));
        }
      }
      values('Inputs', box.inputs, name => makers.has(name) ? [makers.get(name)] : []);
      values('Outputs', box.outputs, name => readers.get(name) || []);
      if (box.macs !== undefined) {
        add(panel, 'h3', 'Multiply-accumulates');
        add(panel, 'div', String(box.macs));
      }
    }

    const search = document.getElementById('search');
    const found = document.getElementById('found');
    const texts = data.boxes.map(box => [box.kind, box.name, ...[...(box.inputs || []), ...(box.outputs || [])]
      .map(value => value && value.name)].filter(Boolean).join('\n').toLowerCase());
    let hits = [];
    let next = 0;
    search.addEventListener('input', () => {
      const wanted = search.value.trim().toLowerCase();
      hits = wanted ? texts.flatMap((text, i) => text.includes(wanted) ? [i] : []) : [];
      next = 0;
      boxes.forEach((box, i) => box.classList.toggle('hit', hits.includes(i)));
      found.textContent = wanted ? `${hits.length} found` : '';
    });
    search.addEventListener('keydown', event => {
      if (event.key !== 'Enter' || !hits.length) return;
      choose(hits[next]);
      center(boxes[hits[next]]);
      found.textContent = `${next + 1} of ${hits.length}`;
      next = (next + 1) % hits.length;
    });
    document.getElementById('fit').addEventListener('click', fit);
    function about() {
      boxes.forEach(box => box.classList.remove('chosen'));
      panel.replaceChildren();
      add(panel, 'pre', data.report);
    }
    document.getElementById('about').addEventListener('click', about);
    about();
    fit();
    """#
}
