// A place in a definition where a later room keeps what it made of that definition.
#pragma once

#include <atomic>
#include <memory>

namespace mimus {

/// What the pipeline compiled of a definition; route knows only how to destroy it.
class Compiled {
 public:
  virtual ~Compiled() = default;
};

/// Empty at first, filled when the definition is first hit. Thread-safe; owns what it holds.
class CompiledCell {
 public:
  CompiledCell() = default;
  CompiledCell(const CompiledCell&) = delete;
  CompiledCell& operator=(const CompiledCell&) = delete;
  ~CompiledCell() { delete held_.load(std::memory_order_acquire); }

  /// What is held, or nullptr. Lives as long as the cell, unless `replace` takes it out.
  const Compiled* get() const { return held_.load(std::memory_order_acquire); }

  /// Puts `value` where nothing is yet. Returns what is held then: `value`, or what another
  /// thread was quicker to put (`value` is destroyed).
  const Compiled* fill(std::unique_ptr<const Compiled> value) const {
    const Compiled* expected = nullptr;
    if (!held_.compare_exchange_strong(expected, value.get(), std::memory_order_acq_rel)) return expected;
    return value.release();
  }

  /// Puts `value` and returns what was held, which readers may still use: the caller
  /// destroys it when none can.
  [[nodiscard]] std::unique_ptr<const Compiled> replace(std::unique_ptr<const Compiled> value) const {
    return std::unique_ptr<const Compiled>(held_.exchange(value.release(), std::memory_order_acq_rel));
  }

 private:
  mutable std::atomic<const Compiled*> held_{nullptr};
};

}  // namespace mimus
