// The reference that is made from the SDK's headers: what it must tell, and how it reads them.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { header } from '../../sdk/docs/headers.mjs';
import { reference, threadless, undocumented } from '../../sdk/docs/reference.mjs';

test('a comment tells of every public function and macro', () => {
  assert.deepEqual(undocumented(), []);
});

test('every function of a table says on what thread it is called', () => {
  assert.deepEqual(threadless(), []);
});

test('the reference shows what an author looks for', () => {
  const text = reference();
  for (const part of ['mimus_rc (*respond)(mimus_req*', 'Records a whole answer.', '- `MIMUS_SUSPEND = 2`: wait for', '#### MIMUS_EXPORT', '#### Request', 'As `mimus_http_v1.attr`.', 'As `mimus_channel_v1.close`.']) {
    assert.ok(text.includes(part), part);
  }
  assert.ok(!text.includes('undefined'));
});

const sample = `/* sample.h - about
 * it. */
#ifndef SAMPLE_H
/* ---- A heading ------ */

/* Two at once. */
typedef struct mimus_two {
  uint32_t size, other; /* of "it" // all */
  /* One. */
  int (*one)(void* p,
             int n);
  int (*same)(void);

  int (*bare)(void);
} mimus_two;
namespace detail {
int unseen();
}  // namespace detail
/// A class.
template <class T>
class Shown {
 public:
  /// Ctor.
  explicit Shown(int a) : a_(a) {
    if (a) {

      return;
    }
  }
  int get() const { return a_; }  ///< What it was
                                  ///< given.

  enum class E { a, b };

 private:
  int a_;
};
`;
test('headers are read as they are laid out', () => {
  const { about, members } = header(sample);
  assert.equal(about, 'sample.h - about\nit.');
  const flat = (list) => list.map(({ kind, name, doc, members: inner }) => [kind, name, doc ?? '', ...flat(inner)]);
  assert.deepEqual(flat(members), [
    ['section', 'A heading', ''],
    ['type', 'mimus_two', 'Two at once.', ['value', 'other', 'of "it" // all'], ['function', 'one', 'One.'], ['function', 'same', 'One.'], ['function', 'bare', '']],
    ['type', 'Shown', 'A class.', ['function', 'Shown', 'Ctor.'], ['function', 'get', 'What it was\ngiven.'], ['type', 'E', '', ['value', 'a', ''], ['value', 'b', '']]],
  ]);
});
