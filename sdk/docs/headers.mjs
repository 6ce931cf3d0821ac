// Reads headers of our style: declarations, each with the comment that tells of it.
//
// It goes by the layout that clang-format gives: what belongs to a declaration is indented deeper
// than its first line. A comment stands before a declaration, or after it on its line; it holds for
// the lines that follow it, too, up to an empty line or the next comment.

const indentation = (line) => /^ */.exec(line)[0].length;
const isComment = (line) => /^ *\/[/*]/.test(line);
const isSection = (line) => /^\/\* -{3,} /.test(line);

/** The text of a comment's lines without its marks. */
function told(lines) {
  return lines.map((line) => line.trim().replace(/^(\/\*+|\/\/\/?<?|\*(?!\/))? ?/, '').replace(/ ?\*\/$/, '').trimEnd()).join('\n').trim();
}

/** The index after the comment that begins at line i. */
function commentEnd(lines, i) {
  if (/^ *\/\*/.test(lines[i])) {
    while (!lines[i].includes('*/')) i++;
    return i + 1;
  }
  while (i < lines.length && /^ *\/\//.test(lines[i])) i++;
  return i;
}

/** Takes the comments out of a declaration's lines: { code, comment }. */
function parted(lines) {
  const code = [], comment = [];
  let inside = false;
  for (const line of lines) {
    const at = inside ? 0 : /^(?:[^"/]|"(?:[^"\\]|\\.)*"|\/(?![/*]))*/.exec(line)[0].length;
    if (at === line.length) { code.push(line); continue; }
    code.push(line.slice(0, at));
    comment.push(line.slice(at));
    inside = (inside || line.slice(at).includes('/*')) && !line.includes('*/');
  }
  return { code: code.join('\n'), comment: told(comment) };
}

const typeStart = /^(?:template <.*>\s+)?(?:typedef )?(?:struct|class|enum)\b[^(;]*\{/;

/** What the code of a declaration declares, as { kind, name, text }. */
function declared(code) {
  let text = code.replace(/\s+/g, ' ').trim().replace(/^(?:inline|explicit) /, '');
  if (text.startsWith('#define')) return { kind: 'macro', name: /MIMUS_\w+/.exec(text)[0], text: /MIMUS_\w+(\([^)]*\))?/.exec(text)[0] };
  if (typeStart.test(text) || /^typedef struct (\w+) \1;/.test(text)) {
    return { kind: 'type', name: /(?:struct|class|enum)(?: class)?(?: \[\[\w+\]\])? (\w+)/.exec(text.replace(/^template <[^>]*> /, ''))?.[1] ?? '', text: text.replace(/ ?\{.*$/, '') };
  }
  const call = /(operator ?[^\s(]*|~?\w+)\((?!\*)/.exec(text.replace(/^template <[^>]*> /, ''));
  const pointer = /\(\*(\w+)\)\(/.exec(text);
  text = text.replace(/\)( const)?( noexcept)?( : .*)? \{.*$/, ')$1$2;').replace(/( : \w+\(.*\))? \{.*\}$/, ';');
  if (/^(using|typedef)\b/.test(text)) return { kind: 'alias', name: pointer?.[1] ?? /^using (\w+)|(\w+);$/.exec(text).slice(1).find(Boolean), text };
  if (pointer) return { kind: 'function', name: pointer[1], text };
  if (call && !/ = (?!default|delete)/.test(text.slice(0, call.index)) && !/<[^>]*$/.test(text.slice(0, text.indexOf(call[0])))) return { kind: 'function', name: call[1], text };
  return { kind: 'value', name: /(\w+)(?:\[\w*\])?(?: = .*)?[;,]?$/.exec(text)?.[1] ?? text, text };
}

/**
 * The public declarations of these lines, in order: { kind, name, text, doc, members }, where kind is type,
 * function, value (a field or enumerator), alias or macro, and doc is "" if nothing tells of it;
 * and headings, { kind: "section", name }.
 */
function read(lines, indent) {
  const end = lines.length;
  const found = [];
  let doc = '', hidden = false, i = 0;
  while (i < end) {
    const line = lines[i];
    if (line.trim() === '') { doc = ''; i++; continue; }
    if (/^ *(public|private|protected):$/.test(line)) { hidden = !line.includes('public'); doc = ''; i++; continue; }
    if (isComment(line)) {
      const next = commentEnd(lines, i);
      if (isSection(line)) found.push({ kind: 'section', name: /-{3,} (.*?) -{3,}/.exec(line)[1], members: [] });
      doc = isSection(line) ? '' : told(lines.slice(i, next));
      i = next;
      continue;
    }
    const inner = /^namespace (detail|wall) \{/.exec(line);
    if (inner) { while (!lines[i].startsWith(`}  // namespace ${inner[1]}`)) i++; i++; continue; }
    const macro = /^#define MIMUS_/.test(line) && !/_H$/.test(line);
    if (line.startsWith('#') && !macro) { i++; continue; }
    if (/^(namespace|extern "C" \{|static_assert|\})/.test(line)) { doc = ''; i++; continue; }

    let next = i + 1;
    if (macro) while (lines[next - 1].endsWith('\\')) next++;
    else while (next < end && (indentation(lines[next]) > indent || lines[next].trim() === '' || /^ *\}/.test(lines[next]))) {
      if (lines[next].trim() === '' && !unfinished(lines.slice(i, next))) break;
      if (/^ *\}/.test(lines[next]) && indentation(lines[next]) === indent) { if (unfinished(lines.slice(i, next))) next++; break; }
      next++;
    }
    const { code, comment } = parted(macro ? lines.slice(i, i + 1) : lines.slice(i, typeStart.test(line.trim()) ? i + 1 : next));
    const one = { ...declared(code), doc: comment || doc, group: doc, members: [] };
    if (one.kind === 'type' && typeStart.test(line.trim())) {
      const body = next === i + 1 ? oneLine(line, indent + 2) : lines.slice(i + 1, next - 1);
      one.members = read(/^ *(template <.*> )?class /.test(line) ? ['private:', ...body] : body, indent + 2);
    }
    if (!hidden) found.push(one);
    i = next;
  }
  return found;
}

/** The members of a type that is written on one line, a line each. */
const oneLine = (line, indent) => /\{(.*)\}/.exec(line)[1].split(/(?<=[,;])/).map((member) => ' '.repeat(indent) + member.trim());

/** Whether a body is open at the end of these lines. */
const unfinished = (lines) => {
  const code = parted(lines).code;
  return (code.match(/\{/g) ?? []).length > (code.match(/\}/g) ?? []).length;
};

/** A header: { about: its first comment, members: its declarations }. */
export function header(source) {
  const lines = source.replace(/^( *template <.*>)\n */gm, '$1 ').split('\n');
  const end = commentEnd(lines, 0);
  return { about: told(lines.slice(0, end)), members: read(lines.slice(end), 0) };
}
