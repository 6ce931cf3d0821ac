// Shared ownership of a node in eight bytes: its count of owners lies in the node.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace mimus {

/// What a node that SharedNode owns has among its members, as `owners`. A copied node has none.
struct OwnerCount {
  OwnerCount() = default;
  OwnerCount(const OwnerCount&) noexcept {}
  OwnerCount& operator=(const OwnerCount&) = delete;

  std::atomic<std::uint32_t> count{0};
};

/// As std::shared_ptr<Node>, made with SharedNode::make. Different owners of one node may be
/// used by different threads.
template <class Node>
class SharedNode {
 public:
  SharedNode() = default;
  SharedNode(const SharedNode& other) noexcept : node_(other.node_) {
    if (node_ != nullptr) node_->owners.count.fetch_add(1, std::memory_order_relaxed);
  }
  SharedNode(SharedNode&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  SharedNode& operator=(SharedNode other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~SharedNode() {
    if (node_ != nullptr && node_->owners.count.fetch_sub(1, std::memory_order_acq_rel) == 1) delete node_;
  }

  template <class... Arguments>
  static SharedNode make(Arguments&&... arguments) {
    SharedNode out;
    out.node_ = new Node(std::forward<Arguments>(arguments)...);
    out.node_->owners.count.store(1, std::memory_order_relaxed);
    return out;
  }

  /// True if nobody else owns the node, which nobody else can change as long as no other
  /// thread may copy this.
  bool alone() const { return node_ != nullptr && node_->owners.count.load(std::memory_order_acquire) == 1; }
  void reset() { *this = SharedNode(); }

  Node* get() const { return node_; }
  Node& operator*() const { return *node_; }
  Node* operator->() const { return node_; }
  explicit operator bool() const { return node_ != nullptr; }

 private:
  Node* node_ = nullptr;
};

}  // namespace mimus
