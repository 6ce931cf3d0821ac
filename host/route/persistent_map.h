// A persistent hash map: a changed copy shares all but O(log n) nodes with its original.
#pragma once

#include <bit>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "host/route/hash.h"
#include "host/route/shared_node.h"

namespace mimus {

/// How a PersistentMap hashes, but in tests that want collisions.
struct KeyedHash {
  template <class Key>
  static std::uint64_t of(HashSeed seed, const Key& key) {
    return keyed_hash(seed, key);
  }
};

/// From K (std::string or Ulid) to shared V: a hash trie, 32 ways a level, leaves inline.
/// Copying is O(1). Const members may run on any threads at once and touch no reference
/// counts; pointers that they return live as long as a map that holds the entry.
///
/// A change copies the nodes on its path that another map shares and edits the others in
/// place, so filling a map that was never copied copies nothing.
/// REQUIRES of every change: the map that *this was copied from outlives the call.
template <class K, class V, class Hash = KeyedHash>
class PersistentMap {
 public:
  using KeyView = std::conditional_t<std::is_same_v<K, std::string>, std::string_view, K>;

  explicit PersistentMap(HashSeed seed = {}) : seed_(seed) {}

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  /// The value under `key`, or nullptr. Does not allocate.
  const V* find(KeyView key) const {
    const std::shared_ptr<V>* const found = find_shared(key);
    return found == nullptr ? nullptr : found->get();
  }

  /// The same with its ownership, for a caller that keeps it.
  const std::shared_ptr<V>* find_shared(KeyView key) const {
    if (!root_) return nullptr;
    const std::uint64_t hash = Hash::of(seed_, key);
    const Node* node = root_.get();
    for (unsigned shift = 0; shift < hash_bits; shift += step) {
      const std::uint32_t bit = bit_of(hash, shift);
      if (node->leaf_bits & bit) {
        const Leaf& leaf = node->leaves[rank(node->leaf_bits, bit)];
        return leaf.key == key ? &leaf.value : nullptr;
      }
      if (!(node->branch_bits & bit)) return nullptr;
      node = node->branches[rank(node->branch_bits, bit)].get();
    }
    for (const Leaf& leaf : node->leaves) {
      if (leaf.key == key) return &leaf.value;
    }
    return nullptr;
  }

  /// A map with `value` under `key`, whatever was there before. *this stays as it is.
  PersistentMap with(KeyView key, std::shared_ptr<V> value) const {
    PersistentMap out = *this;
    out.slot(key) = std::move(value);
    return out;
  }

  /// A map with nothing under `key`.
  PersistentMap without(KeyView key) const {
    PersistentMap out = *this;
    out.remove(key);
    return out;
  }

  /// The place of the value under `key` in *this alone; empty where there was none, and
  /// the caller fills it. Valid until the next change.
  std::shared_ptr<V>& slot(KeyView key) {
    const std::uint64_t hash = Hash::of(seed_, key);
    NodeLink* at = &root_;
    for (unsigned shift = 0; shift < hash_bits; shift += step) {
      Node& node = own(*at);
      const std::uint32_t bit = bit_of(hash, shift);
      if (node.leaf_bits & bit) {
        const std::size_t index = rank(node.leaf_bits, bit);
        if (node.leaves[index].key == key) return node.leaves[index].value;
        push_down(node, bit, index, shift + step);
      }
      if (!(node.branch_bits & bit)) {
        ++size_;
        const std::size_t index = rank(node.leaf_bits, bit);
        node.leaf_bits |= bit;
        return insert_at(node.leaves, index, Leaf{K(key), nullptr}).value;
      }
      at = &node.branches[rank(node.branch_bits, bit)];
    }
    Node& node = own(*at);
    for (Leaf& leaf : node.leaves) {
      if (leaf.key == key) return leaf.value;
    }
    ++size_;
    return insert_at(node.leaves, node.leaves.size(), Leaf{K(key), nullptr}).value;
  }

  /// Removes what is under `key` from *this. False: there was nothing.
  bool remove(KeyView key) {
    if (find_shared(key) == nullptr) return false;
    remove(root_, Hash::of(seed_, key), 0, key);
    if (--size_ == 0) root_.reset();
    return true;
  }

  /// Shows each key and value, in no particular order, until `show` says false. False: it did.
  template <class Show>
  bool each(Show&& show) const {
    return !root_ || each(*root_, show);
  }

 private:
  static constexpr unsigned hash_bits = 64;
  static constexpr unsigned step = 5;

  struct Leaf {
    K key;
    std::shared_ptr<V> value;
  };
  struct Node;
  using NodeLink = SharedNode<Node>;
  /// Below the last bits of the hash a node is a plain list of leaves, its bits unused.
  struct Node {
    std::uint32_t leaf_bits = 0;
    std::uint32_t branch_bits = 0;
    std::vector<Leaf> leaves;
    std::vector<NodeLink> branches;
    OwnerCount owners;
  };

  static std::uint32_t bit_of(std::uint64_t hash, unsigned shift) { return 1u << ((hash >> shift) & 31); }
  static std::size_t rank(std::uint32_t bits, std::uint32_t bit) {
    return static_cast<std::size_t>(std::popcount(bits & (bit - 1)));
  }

  static Node& own(NodeLink& node) {
    if (!node) node = NodeLink::make();
    if (!node.alone()) node = NodeLink::make(*node);
    return *node;
  }

  /// Grows by one exactly: most nodes are never changed again.
  template <class T>
  static T& insert_at(std::vector<T>& list, std::size_t index, T value) {
    list.reserve(list.size() + 1);
    return *list.insert(list.begin() + static_cast<std::ptrdiff_t>(index), std::move(value));
  }

  /// Makes room for a second key with the same bits: the first moves one level down.
  void push_down(Node& node, std::uint32_t bit, std::size_t index, unsigned shift) {
    NodeLink child = NodeLink::make();
    Leaf leaf = std::move(node.leaves[index]);
    node.leaves.erase(node.leaves.begin() + static_cast<std::ptrdiff_t>(index));
    node.leaf_bits ^= bit;
    if (shift < hash_bits) child->leaf_bits = bit_of(Hash::of(seed_, KeyView(leaf.key)), shift);
    insert_at(child->leaves, 0, std::move(leaf));
    const std::size_t branch = rank(node.branch_bits, bit);
    node.branch_bits |= bit;
    insert_at(node.branches, branch, std::move(child));
  }

  /// REQUIRES: the key is below `at`.
  static void remove(NodeLink& at, std::uint64_t hash, unsigned shift, KeyView key) {
    Node& node = own(at);
    if (shift >= hash_bits) {
      std::erase_if(node.leaves, [&](const Leaf& leaf) { return leaf.key == key; });
      return;
    }
    const std::uint32_t bit = bit_of(hash, shift);
    if (node.leaf_bits & bit) {
      node.leaves.erase(node.leaves.begin() + static_cast<std::ptrdiff_t>(rank(node.leaf_bits, bit)));
      node.leaf_bits ^= bit;
      return;
    }
    const std::size_t index = rank(node.branch_bits, bit);
    remove(node.branches[index], hash, shift + step, key);
    Node& child = *node.branches[index];
    if (!child.branches.empty() || child.leaves.size() != 1) return;
    // A branch with one leaf becomes that leaf, so that equal maps have equal shapes.
    Leaf leaf = std::move(child.leaves.front());
    node.branches.erase(node.branches.begin() + static_cast<std::ptrdiff_t>(index));
    node.branch_bits ^= bit;
    const std::size_t place = rank(node.leaf_bits, bit);
    node.leaf_bits |= bit;
    insert_at(node.leaves, place, std::move(leaf));
  }

  template <class Show>
  static bool each(const Node& node, Show& show) {
    for (const Leaf& leaf : node.leaves) {
      if (!show(leaf.key, leaf.value)) return false;
    }
    for (const auto& branch : node.branches) {
      if (!each(*branch, show)) return false;
    }
    return true;
  }

  NodeLink root_;
  std::size_t size_ = 0;
  HashSeed seed_;
};

}  // namespace mimus
