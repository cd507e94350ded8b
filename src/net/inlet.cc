#include "net/inlet.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/detail/reactor.hpp>
#include <boost/version.hpp>
#include <cerrno>
#include <cstring>

static_assert(BOOST_VERSION == 108100, "this stands on Asio's own reactor: read on, then name the new version");

namespace hz::net {
namespace {

// A socket's state with the reactor, which its class shows to derived classes.
struct Opened : TcpSocket {
  static auto& implementation(TcpSocket& socket) { return (socket.*&Opened::impl_).get_implementation(); }
};

}  // namespace

struct Inlet::Op : asio::detail::reactor_op {
  Op() : reactor_op({}, &perform_read, &complete_read) {}

  asio::detail::reactor* reactor = nullptr;
  int descriptor = -1;
  asio::mutable_buffer into;
  bool under_way = false;
  bool abandoned = false;  // nobody has use for it any more: it goes when it is over
  std::optional<Resume> resume;

  // Called by the reactor when there may be something to read; never for an edge it has not seen.
  static status perform_read(reactor_op* base) {
    Op& op = *static_cast<Op*>(base);
    if (op.abandoned) return done;
    iovec part{op.into.data(), op.into.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control;
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t n;
    do n = ::recvmsg(op.descriptor, &message, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return not_done;
    op.bytes_transferred_ = n > 0 ? static_cast<std::size_t>(n) : 0;
    op.ec_ = n > 0 ? ErrorCode() : n == 0 ? asio::error::eof : ErrorCode(errno, asio::error::get_system_category());
    if (n <= 0) return done;
    // A kernel that does not say what is left (before 4.18) leaves the flag alone, and the next read tries first.
    const cmsghdr* said = CMSG_FIRSTHDR(&message);
    if (said == nullptr || said->cmsg_level != IPPROTO_TCP || said->cmsg_type != TCP_CM_INQ) return done;
    int left = 0;
    std::memcpy(&left, CMSG_DATA(said), sizeof left);
    return left == 0 ? done_and_exhausted : done;
  }

  // Called by the loop; without an owner when the loop goes away with the read still under way.
  static void complete_read(void* owner, asio::detail::operation* base, const ErrorCode&, std::size_t) {
    Op* const op = static_cast<Op*>(static_cast<reactor_op*>(base));
    op->under_way = false;
    if (op->abandoned) {
      delete op;
      return;
    }
    // Resumed, or ended with what it holds: either way `op` may be gone afterwards.
    if (auto waiting = std::exchange(op->resume, std::nullopt); waiting && owner) (*waiting)();
  }
};

Inlet::~Inlet() {
  if (op_ == nullptr) return;
  if (op_->under_way)
    op_->abandoned = true;
  else
    delete op_;
}

void Inlet::read(TcpSocket& socket, asio::mutable_buffer into) {
  if (op_ == nullptr) {
    op_ = new Op;
    op_->reactor = &asio::use_service<asio::detail::reactor>(socket.get_executor().context());
    const int yes = 1;
    (void)::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_INQ, &yes, sizeof yes);
  }
  if (std::exchange(op_->under_way, true)) return;
  auto& implementation = Opened::implementation(socket);
  op_->descriptor = implementation.socket_;
  op_->into = into;
  op_->ec_ = asio::error::operation_aborted;  // where the socket is closed already
  op_->bytes_transferred_ = 0;
  op_->reactor->start_op(asio::detail::reactor::read_op, implementation.socket_, implementation.reactor_data_, op_,
                         true, true);
}

bool Inlet::reading() const { return op_ != nullptr && op_->under_way; }

awaitable<void> Inlet::over() {
  static constexpr asio::use_awaitable_t<Executor> token{};
  return asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(
      [op = op_](Resume resume) { op->resume.emplace(std::move(resume)); }, token);
}

std::pair<ErrorCode, std::size_t> Inlet::got() const { return {op_->ec_, op_->bytes_transferred_}; }

}  // namespace hz::net
