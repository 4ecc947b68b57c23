"""みほん家計簿: another company's app (an invented one) that connects to this credit union."""
