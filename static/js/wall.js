// The wall: stays current, tells the time, says when what it shows may be old, and moves a little so that nothing burns
// in. Television sets have old browsers, so this is JavaScript of 2009. There are two kinds of wall: one asks its own
// address (body[data-part]), the other asks the API with the read-only keys behind the # of its address (body[data-api]).
(function () {
  'use strict';
  var body = document.body;
  var wall = document.getElementById('wall');
  var stale = document.getElementById('stale');
  var api = body.getAttribute('data-api');
  var EVERY = 10000;
  var good = new Date();
  var round = 0;

  function two(n) { return (n < 10 ? '0' : '') + n; }
  function clock(t) { return two(t.getHours()) + ':' + two(t.getMinutes()); }

  function ask(address, key, done) {
    var x = new XMLHttpRequest();
    x.open('GET', address, true);
    x.timeout = 15000;
    if (key) x.setRequestHeader('X-Api-Key', key);
    x.onreadystatechange = function () { if (x.readyState === 4) done(x.status, x.responseText); };
    x.send();
  }

  function warn(text) {
    stale.className = text ? '' : 'off';
    if (stale.textContent !== text) stale.textContent = text;
  }

  function title(down) {
    document.title = (down ? '(' + down + ' down) ' : '') + document.title.replace(/^\(\d+ down\) /, '');
  }

  // What does not fit on the screen is counted: first what is neither down nor late, then what is. A phone scrolls.
  function fits() { return wall.getBoundingClientRect().bottom <= window.innerHeight - 14; }

  // Shows the first n rows of a list, and says how many more there are.
  function cut(list, n) {
    var rows = list.children;
    var hidden = Number(list.getAttribute('data-more') || 0);
    var kinds = {};
    var more = null;
    for (var i = 0; i < rows.length; i++) {
      if (rows[i].className === 'more') {
        more = rows[i];
        continue;
      }
      rows[i].style.display = i < n ? '' : 'none';
      if (i < n) continue;
      hidden++;
      kinds[rows[i].className] = true;
    }
    if (!more && !hidden) return;
    if (!more) more = add(list, 'li', 'more');
    var text = n ? 'and ' + hidden + ' more' : hidden + (hidden === 1 ? ' other' : ' others');
    if (list.className === 'bad') text += (hidden === 1 ? ' is ' : ' are ') + (kinds.down && kinds.grace ? 'down or late' : kinds.down ? 'down' : 'late');
    more.textContent = text;
    more.style.display = hidden ? '' : 'none';
  }

  function cutAll(lists, n) {
    for (var i = 0; i < lists.length; i++) cut(lists[i], n);
  }

  // Shows as many rows of each list as fit, but not less than least.
  function cutToFit(lists, least) {
    var low = least;
    var high = least;
    for (var i = 0; i < lists.length; i++) high = Math.max(high, lists[i].children.length);
    while (low < high) {
      var middle = Math.ceil((low + high) / 2);
      cutAll(lists, middle);
      if (fits()) low = middle;
      else high = middle - 1;
    }
    cutAll(lists, low);
  }

  function fit() {
    var bad = wall.querySelectorAll('.bad');
    var calm = wall.querySelectorAll('.calm');
    cutAll(bad, Infinity);
    cutAll(calm, Infinity);
    if (window.innerWidth <= 760 || fits()) return;
    cutAll(calm, 0);
    cutToFit(bad, 1);
    cutToFit(calm, 0);
  }
  window.onresize = fit;

  // The wall with an address of its own.
  var timer;
  function poll() {
    clearTimeout(timer);
    ask(location.pathname + body.getAttribute('data-part'), '', function (status, text) {
      if (status === 200) {
        good = new Date();
        warn('');
        if (wall.getAttribute('data-text') !== text) {
          wall.innerHTML = text; // our own page, escaped by its server
          wall.setAttribute('data-text', text);
          fit();
        }
        title(wall.querySelectorAll('.bad .down').length);
      } else if (status === 404) {
        wall.innerHTML = '';
        warn('This wall has been revoked.');
        return;
      }
      clearTimeout(timer);
      timer = setTimeout(poll, EVERY);
    });
  }

  // The wall of keys.
  function keysOf(hash) {
    var keys = [];
    var parts = hash.replace(/^#/, '').split('&');
    for (var i = 0; i < parts.length; i++) {
      var cut = parts[i].indexOf('=');
      var name = cut < 0 ? parts[i] : parts[i].slice(0, cut);
      var value = cut < 0 ? '' : parts[i].slice(cut + 1).replace(/\+/g, ' ');
      try { value = decodeURIComponent(value); } catch (e) { /* as it is */ }
      if (name === 'theme') document.documentElement.className = value === 'light' ? 'light' : 'dark';
      else if (name) keys.push({ key: name, label: value || 'Project', checks: null, status: 0 });
    }
    keys.sort(function (a, b) { return a.label.toLowerCase() < b.label.toLowerCase() ? -1 : 1; });
    return keys;
  }

  function add(parent, name, className, text) {
    var e = document.createElement(name);
    if (className) e.className = className;
    if (text) e.textContent = text;
    parent.appendChild(e);
    return e;
  }

  function ago(iso) {
    var minutes = Math.max(0, Math.floor((new Date() - new Date(iso)) / 60000));
    if (minutes < 60) return minutes + ' min';
    if (minutes < 48 * 60) return Math.floor(minutes / 60) + ' hr' + (minutes % 60 ? ' ' + (minutes % 60) + ' min' : '');
    return Math.floor(minutes / 1440) + ' days';
  }

  var words = { down: 'Down', grace: 'Late', started: 'Running', paused: 'Paused', 'new': 'New' };

  function stateOf(check) { return check.started && check.status !== 'down' ? 'started' : check.status; }

  // The words of web/project/wall.go.
  function summary(n, all) {
    var parts = [];
    if (n.down) parts.push(n.down + ' down');
    if (n.grace) parts.push(n.grace + ' late');
    if (parts.length) return { words: parts.join(', '), state: n.down ? 'down' : 'grace' };
    if (!all) return { words: 'No checks', state: 'new' };
    if (n.paused === all) return { words: 'All paused', state: 'paused' };
    if (n['new'] + n.paused === all) return { words: 'No check has been pinged yet', state: 'new', 'long': true };
    if (n['new']) {
      return { words: n['new'] + ' of ' + all + ' checks ' + (n['new'] === 1 ? 'has' : 'have') + ' never been pinged', state: 'up', 'long': true };
    }
    return { words: 'All up', state: 'up' };
  }

  function draw(keys) {
    var all = document.createDocumentFragment();
    var downAll = 0;
    for (var i = 0; i < keys.length; i++) {
      var k = keys[i];
      var box = add(all, 'section', 'project');
      add(box, 'h2', '', k.label);
      if (!k.checks) {
        add(box, 'p', 'none', k.status === 401 ? 'This key opens nothing.' : k.status ? 'No answer yet.' : 'Loading…');
        continue;
      }
      var sum = add(box, 'p', 'sum');
      var bad = add(box, 'ul', 'bad');
      var calm = add(box, 'ul', 'calm');
      var counts = { down: 0, grace: 0, paused: 0, 'new': 0 };
      var checks = k.checks.slice().sort(function (a, b) {
        var rank = { down: 0, grace: 1 };
        var x = stateOf(a), y = stateOf(b);
        var d = (x in rank ? rank[x] : 2) - (y in rank ? rank[y] : 2);
        return d || (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1);
      });
      for (var j = 0; j < checks.length; j++) {
        var c = checks[j];
        var state = stateOf(c);
        if (state in counts) counts[state]++;
        var name = c.name || 'unnamed';
        if (state === 'down' || state === 'grace') {
          var li = add(bad, 'li', state);
          add(li, 'b', '', name);
          add(li, 'span', '', words[state] + (c.last_ping ? ', last ping ' + ago(c.last_ping) + ' ago' : ''));
        } else {
          var row = add(calm, 'li', state);
          add(row, 'i');
          row.appendChild(document.createTextNode(name + ' '));
          if (words[state]) add(row, 'span', '', words[state]);
        }
      }
      var whole = summary(counts, checks.length);
      sum.textContent = whole.words;
      if (whole.long) sum.className = 'sum long';
      box.className = 'project ' + whole.state;
      downAll += counts.down;
    }
    while (wall.firstChild) wall.removeChild(wall.firstChild);
    wall.appendChild(all);
    fit();
    title(downAll);
  }

  function pollKeys(keys, mine) {
    var open = keys.length;
    var fine = true;
    function one(k) {
      ask(api, k.key, function (status, text) {
        k.status = status;
        if (status === 200) k.checks = JSON.parse(text).checks;
        else if (status === 401) k.checks = null;
        else fine = false;
        if (--open || mine !== round) return;
        if (fine) {
          good = new Date();
          warn('');
        }
        draw(keys);
        setTimeout(function () { if (mine === round) pollKeys(keys, mine); }, EVERY);
      });
    }
    for (var i = 0; i < keys.length; i++) one(keys[i]);
  }

  function startKeys() {
    var keys = keysOf(location.hash);
    round++;
    if (!keys.length) return;
    draw(keys);
    pollKeys(keys, round);
  }

  var moves = [[0, 0], [3, 1], [5, 4], [3, 6], [0, 5], [-3, 3]];
  function tick() {
    var now = new Date();
    var text = clock(now);
    var face = document.getElementById('clock');
    if (face.textContent !== text) face.textContent = text;
    if (now - good > 45000) warn('No connection since ' + clock(good) + '. What you see may be old.');
    var move = moves[now.getMinutes() % moves.length];
    body.style.paddingLeft = 24 + move[0] + 'px';
    body.style.paddingRight = 24 - move[0] + 'px';
    body.style.paddingTop = 18 + move[1] + 'px';
  }
  setInterval(tick, 1000);
  tick();

  if (api) {
    window.onhashchange = startKeys;
    startKeys();
  } else {
    fit();
    window.onfocus = poll; // a screen that wakes up
    timer = setTimeout(poll, EVERY);
  }
})();
