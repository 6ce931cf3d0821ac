// A persistent ordered set: a changed copy shares all but O(log n) nodes with its original.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "host/route/shared_node.h"

namespace mimus {

/// Shared items in the order of `Order::key(item)`, whose type has `<`: an AVL tree. One
/// item for each key. Copying is O(1). Const members may run on any threads at once and
/// touch no reference counts; pointers that they return live as long as a set that holds
/// the item.
///
/// A change copies the nodes on its path that another set shares and edits the others in
/// place. REQUIRES of every change: the set that *this was copied from outlives the call.
template <class T, class Order>
class OrderedSet {
 public:
  bool empty() const { return !root_; }
  /// Counts them: O(n).
  std::size_t size() const {
    std::size_t out = 0;
    each([&](const T&) { ++out; });
    return out;
  }

  /// The first item, or nullptr.
  const T* first() const {
    const Node* node = root_.get();
    while (node != nullptr && node->left) node = node->left.get();
    return node == nullptr ? nullptr : node->item.get();
  }

  template <class Key>
  const T* find(const Key& key) const {
    const T* const item = first_not_before(key);
    return item != nullptr && !(key < Order::key(*item)) ? item : nullptr;
  }

  /// The first item whose key is not less than `key`, or nullptr.
  template <class Key>
  const T* first_not_before(const Key& key) const {
    const T* best = nullptr;
    for (const Node* node = root_.get(); node != nullptr;) {
      const bool before = Order::key(*node->item) < key;
      if (!before) best = node->item.get();
      node = before ? node->right.get() : node->left.get();
    }
    return best;
  }

  /// The first item whose key is greater than `key`, or nullptr: walks a set in
  /// O(log n) a step, from any cursor.
  template <class Key>
  const T* first_after(const Key& key) const {
    const T* best = nullptr;
    for (const Node* node = root_.get(); node != nullptr;) {
      const bool after = key < Order::key(*node->item);
      if (after) best = node->item.get();
      node = after ? node->left.get() : node->right.get();
    }
    return best;
  }

  /// Adds `item` to *this, in the place of one with an equal key.
  void put(std::shared_ptr<const T> item) { put(root_, std::move(item)); }

  /// Removes the item with that key from *this. False: there was none.
  template <class Key>
  bool remove(const Key& key) {
    if (find(key) == nullptr) return false;
    remove(root_, key);
    return true;
  }

  /// Shows each item in order.
  template <class Show>
  void each(Show&& show) const {
    each(root_.get(), show);
  }

 private:
  struct Node;
  using Link = SharedNode<Node>;
  struct Node {
    std::shared_ptr<const T> item;
    Link left, right;
    std::int32_t height = 1;
    OwnerCount owners;
  };

  static Node& own(Link& link) {
    if (!link.alone()) link = Link::make(*link);
    return *link;
  }
  static int height(const Link& link) { return link ? link->height : 0; }
  static void measure(Node& node) { node.height = 1 + std::max(height(node.left), height(node.right)); }

  /// Lifts the child on side `up` above `link`; `down` is the other side.
  static void rotate(Link& link, Link Node::*up, Link Node::*down) {
    Link child = std::move((*link).*up);
    own(child);
    (*link).*up = std::move((*child).*down);
    measure(*link);
    (*child).*down = std::move(link);
    link = std::move(child);
    measure(*link);
  }

  /// REQUIRES: *this owns `link` alone; its sides differ by two at most.
  static void balance(Link& link) {
    const int lean = height(link->left) - height(link->right);
    if (lean > 1) {
      if (height(link->left->left) < height(link->left->right)) {
        own(link->left);
        rotate(link->left, &Node::right, &Node::left);
      }
      rotate(link, &Node::left, &Node::right);
    } else if (lean < -1) {
      if (height(link->right->right) < height(link->right->left)) {
        own(link->right);
        rotate(link->right, &Node::left, &Node::right);
      }
      rotate(link, &Node::right, &Node::left);
    } else {
      measure(*link);
    }
  }

  void put(Link& link, std::shared_ptr<const T> item) {
    if (!link) {
      link = Link::make();
      link->item = std::move(item);
      return;
    }
    Node& node = own(link);
    if (Order::key(*item) < Order::key(*node.item)) {
      put(node.left, std::move(item));
    } else if (Order::key(*node.item) < Order::key(*item)) {
      put(node.right, std::move(item));
    } else {
      node.item = std::move(item);
      return;
    }
    balance(link);
  }

  /// Takes the first item out of `link` and returns it. REQUIRES: link is not empty.
  static std::shared_ptr<const T> take_first(Link& link) {
    Node& node = own(link);
    std::shared_ptr<const T> out;
    if (node.left) {
      out = take_first(node.left);
      balance(link);
    } else {
      out = std::move(node.item);
      Link rest = std::move(node.right);
      link = std::move(rest);
    }
    return out;
  }

  /// REQUIRES: the key is below `link`.
  template <class Key>
  static void remove(Link& link, const Key& key) {
    Node& node = own(link);
    if (key < Order::key(*node.item)) {
      remove(node.left, key);
    } else if (Order::key(*node.item) < key) {
      remove(node.right, key);
    } else if (!node.left || !node.right) {
      Link rest = std::move(node.left ? node.left : node.right);
      link = std::move(rest);
      return;
    } else {
      node.item = take_first(node.right);
    }
    balance(link);
  }

  template <class Show>
  static void each(const Node* node, Show& show) {
    for (; node != nullptr; node = node->right.get()) {
      each(node->left.get(), show);
      show(*node->item);
    }
  }

  Link root_;
};

}  // namespace mimus
