#include "crypto/secret_bytes.h"

#include <algorithm>

namespace coffer {

SecretBytes::SecretBytes(std::size_t size)
    : bytes_(size == 0 ? nullptr : std::make_unique<std::byte[]>(size)), size_(size), capacity_(size) {}

SecretBytes SecretBytes::CopyOf(ByteView bytes) {
  SecretBytes copy(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.bytes_.get());
  return copy;
}

SecretBytes SecretBytes::Absorb(std::string&& text) {
  SecretBytes taken = CopyOf(AsBytes(text));
  Wipe(AsMutableBytes(text));
  text.clear();
  return taken;
}

SecretBytes::~SecretBytes() { Clear(); }

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : bytes_(std::move(other.bytes_)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this == &other) return *this;
  Clear();
  bytes_ = std::move(other.bytes_);
  size_ = std::exchange(other.size_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  return *this;
}

SecretBytes SecretBytes::Clone() const { return CopyOf({bytes_.get(), size_}); }

void SecretBytes::Truncate(std::size_t size) {
  COFFER_CHECK(size <= size_);
  Wipe(MutableBytes(bytes_.get(), size_).subspan(size));
  size_ = size;
}

void SecretBytes::Clear() {
  Wipe({bytes_.get(), capacity_});
  bytes_.reset();
  size_ = 0;
  capacity_ = 0;
}

}  // namespace coffer
