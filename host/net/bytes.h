// A growing run of bytes that is written at its end and taken from its front.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace mimus {

/// Like a string that never fills what it is about to overwrite. Not thread-safe.
class Bytes {
 public:
  Bytes() = default;
  Bytes(Bytes&& other) noexcept { swap(other); }
  Bytes& operator=(Bytes&& other) noexcept {
    Bytes(std::move(other)).swap(*this);
    return *this;
  }

  std::string_view view() const { return {data_.get() + front_, back_ - front_}; }
  std::size_t size() const { return back_ - front_; }
  bool empty() const { return back_ == front_; }
  std::size_t capacity() const { return capacity_; }

  /// Room for `bytes` more at the end; `wrote` says how many were used.
  char* room(std::size_t bytes) {
    if (capacity_ - back_ < bytes) make_room(bytes);
    return data_.get() + back_;
  }
  void wrote(std::size_t bytes) { back_ += bytes; }

  void append(std::string_view text) {
    if (text.empty()) return;
    std::memcpy(room(text.size()), text.data(), text.size());
    back_ += text.size();
  }

  void drop_front(std::size_t bytes) {
    front_ += bytes;
    if (front_ == back_) front_ = back_ = 0;
  }
  /// Forgets what was appended beyond the first `size` bytes.
  void shorten(std::size_t size) { back_ = front_ + size; }
  void clear() { front_ = back_ = 0; }
  void release() { Bytes().swap(*this); }

  void swap(Bytes& other) noexcept {
    data_.swap(other.data_);
    std::swap(front_, other.front_);
    std::swap(back_, other.back_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  void make_room(std::size_t bytes) {
    const std::size_t used = size();
    if (front_ >= capacity_ / 2 && capacity_ - used >= bytes) {
      std::memmove(data_.get(), data_.get() + front_, used);
    } else {
      std::size_t wanted = capacity_ ? capacity_ * 2 : 1024;
      while (wanted < used + bytes) wanted *= 2;
      auto larger = std::make_unique_for_overwrite<char[]>(wanted);
      if (used) std::memcpy(larger.get(), data_.get() + front_, used);
      data_ = std::move(larger);
      capacity_ = wanted;
    }
    front_ = 0;
    back_ = used;
  }

  std::unique_ptr<char[]> data_;
  std::size_t front_ = 0, back_ = 0, capacity_ = 0;
};

}  // namespace mimus
